/** Overlay networks in the Linux kernel, told what should be true and reconciled by netlink. */
export { kernelBackend } from './kernel-backend.ts'
export { namespaceName } from './names.ts'
export { kernelOptions, type KernelOptions } from './options.ts'
