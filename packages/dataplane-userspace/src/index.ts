/** Public door of @weft/dataplane-userspace. */
export {}
