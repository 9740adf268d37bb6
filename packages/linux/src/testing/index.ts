/** Test kit of @weft/linux: hosts made of namespaces, and what passes between them. */
export { NamespaceWorld, type WorldHost } from './namespace-world.ts'
export { openFds, reaches } from './evidence.ts'
