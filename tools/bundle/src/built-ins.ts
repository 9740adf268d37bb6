/** Modules of Node cost more to import than to take. */
import type { Plugin } from 'rolldown'

/**
 * An `import` of a built-in reads all it exports, and what stands behind getters is loaded for it.
 * Among `node:http`'s are WebSocket and its events, which load undici: 65 ms of processor time for
 * what nobody asked for. The others' are smaller, and many.
 */
const TAKEN = /^node:/
const PREFIX = '\0built-in:'

/** Takes such modules by `process.getBuiltinModule`, without what stands behind getters. */
export function builtIns(): Plugin {
  return {
    name: 'built-ins',
    resolveId: {
      filter: { id: TAKEN },
      handler: (name) => ({ id: PREFIX + name.replace(/^node:/, ''), moduleSideEffects: false }),
    },
    load: {
      filter: { id: new RegExp(`^${PREFIX}`) },
      handler: (id) => ({ code: takingCode(`node:${id.slice(PREFIX.length)}`), moduleType: 'js' }),
    },
  }
}

function takingCode(name: string): string {
  const exported = Object.entries(Object.getOwnPropertyDescriptors(builtIn(name)))
    .filter(([, property]) => 'value' in property)
    .map(([key]) => key)
  return [
    `const taken = process.getBuiltinModule('${name}')`,
    'export default taken',
    ...exported.map((key) => `export const ${key} = /* @__PURE__ */ (() => taken.${key})()`),
  ].join('\n')
}

function builtIn(name: string): object {
  const found: object | undefined = process.getBuiltinModule(name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}
