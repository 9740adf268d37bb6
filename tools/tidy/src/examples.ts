/** Examples in READMEs: found, type-checked as one program, and run. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import ts from 'typescript'
import { useExamples } from './laws/markdown.ts'
import { listPackages } from './packages.ts'
import type { Repository } from './repository.ts'

/** A complete program in a README. */
export interface ReadmeExample {
  /** `packages/wire/README.md:12`, which is where its code begins. */
  readonly place: string
  readonly code: string
  /** It talks to the kernel, so that only root can run it. */
  readonly needsKernel: boolean
}

const KERNEL_DOORS = /from '@weft\/(linux|dataplane-kernel|lab)'/
const EXAMPLE_TIMEOUT_MS = 60_000

/** On a network of its own: other tests use the ports that examples name, at the same time. */
const ALONE = ['unshare', '--net', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']

/** The example of each package, and every ```ts block of the README at the root. */
export function findExamples(repository: Repository): ReadmeExample[] {
  const readmes = listPackages(repository).map(({ folder }) => `${folder}/README.md`)
  const inPackages = readmes.flatMap((path) =>
    useExamples(repository.read(path)).map(({ code, line }) => exampleOf(`${path}:${line}`, code)),
  )
  const root = repository.read('README.md')
  const inRoot = [...root.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((block) => {
    const line = root.slice(0, block.index).split('\n').length + 1
    return exampleOf(`README.md:${line}`, block[1] ?? '')
  })
  return [...inRoot, ...inPackages]
}

function exampleOf(place: string, code: string): ReadmeExample {
  return { place, code, needsKernel: KERNEL_DOORS.test(code) }
}

/** What the compiler says about the examples, by their place; only places with faults are in it. */
export function typeFaults(
  root: string,
  examples: readonly ReadmeExample[],
): ReadonlyMap<string, readonly string[]> {
  const files = new Map(examples.map((one, at) => [join(root, `readme-example-${at}.ts`), one]))
  const tsconfig = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(tsconfig.config, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const onDisk = { ...host }
  host.fileExists = (path) => files.has(path) || onDisk.fileExists(path)
  host.readFile = (path) => files.get(path)?.code ?? onDisk.readFile(path)
  host.getSourceFile = (path, version, onError) => {
    const example = files.get(path)
    if (example === undefined) return onDisk.getSourceFile(path, version, onError)
    return ts.createSourceFile(path, example.code, version)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  const faults = [...files].map(([path, { place }]) => {
    const file = program.getSourceFile(path)
    const found = ts.getPreEmitDiagnostics(program, file)
    return [place, found.map(describeDiagnostic)] as const
  })
  return new Map(faults.filter(([, found]) => found.length > 0))
}

function describeDiagnostic(diagnostic: ts.Diagnostic): string {
  const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
  if (diagnostic.file === undefined || diagnostic.start === undefined) return text
  const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start)
  return `line ${line + 1} of the example: ${text}`
}

/** Runs an example as a program of its own; resolves to its output if it failed, else to null. */
export function runExample(root: string, example: ReadmeExample): Promise<string | null> {
  const flags = ['--conditions=@weft/source', '--input-type=module-typescript', '-']
  const alone = example.needsKernel ? ALONE : []
  const [program = '', ...argv] = [...alone, process.execPath, ...flags]
  const options = { cwd: root, timeout: EXAMPLE_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
  const child = spawn(program, argv, options)
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()))
  child.stdin.end(example.code)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => {
      resolve(status === 0 ? null : `ended with ${signal ?? `exit code ${status}`}\n${output}`)
    })
  })
}
