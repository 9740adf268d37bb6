/** Placeholder door: the owner writes it. */
export {}
