/** Texts lead somewhere: READMEs have the house form, and links resolve. */
import type { Law, Offence } from '../law.ts'
import { listPackages, type Package } from '../packages.ts'
import type { Repository } from '../repository.ts'

/** The headings of a package's README, in order. */
export const README_HEADINGS = [
  'Use',
  'The idea',
  'Limits',
  'Failure',
  'Boundaries',
  'Proof',
  'Not here',
] as const

/** A published package has a README in the house form; that of a tool begins with its title. */
export const readmeLaw: Law = {
  name: 'every README has the house form',
  find: (repository) => listPackages(repository).flatMap((one) => readmeOf(repository, one)),
}

function readmeOf(repository: Repository, one: Package): Offence[] {
  const path = `${one.folder}/README.md`
  if (!repository.has(path)) {
    if (!one.published) return []
    return [{ path, what: 'there is none', instead: `write one: ${README_HEADINGS.join(', ')}` }]
  }
  const text = repository.read(path)
  const title = `# ${one.name} — ${one.description}`
  const found: Offence[] = []
  if (text.split('\n')[0] !== title) {
    found.push({ path, line: 1, what: 'not the title of the package', instead: title })
  }
  if (!one.published) return found
  const headings = [...withoutCode(text).matchAll(/^## (.+)$/gm)].map(([, name]) => name ?? '')
  const wanted = README_HEADINGS.join(', ')
  if (headings.join(', ') !== wanted) {
    found.push({ path, what: `its headings are ${headings.join(', ')}`, instead: wanted })
  }
  const blocks = useExamples(text).length
  if (blocks !== 1) {
    const what = `${blocks} examples under Use`
    found.push({ path, what, instead: 'one complete ```ts block that compiles and runs' })
  }
  return found
}

/** An example in a README, with the line on which its code begins. */
export interface Example {
  readonly code: string
  readonly line: number
}

/** The complete TypeScript examples under `## Use`. */
export function useExamples(text: string): Example[] {
  const start = /^## Use$/m.exec(text)
  if (start === null) return []
  const rest = text.slice(start.index + start[0].length)
  const end = /^## /m.exec(withoutCode(rest))
  const section = end === null ? rest : rest.slice(0, end.index)
  return [...section.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((block) => {
    const offset = start.index + start[0].length + block.index
    return { code: block[1] ?? '', line: text.slice(0, offset).split('\n').length + 1 }
  })
}

/** The same text with code blanked out, so that positions stay. */
function withoutCode(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, blank)
}

function blank(code: string): string {
  return code.replace(/[^\n]/g, ' ')
}

/** Every relative link in a text leads to a file, and every anchor to a heading. */
export const linksLaw: Law = {
  name: 'links in texts resolve',
  find: (repository) =>
    repository.paths
      .filter((path) => path.endsWith('.md') && !path.startsWith('.changeset/'))
      .flatMap((path) => brokenLinks(repository, path)),
}

function brokenLinks(repository: Repository, path: string): Offence[] {
  const text = withoutCode(repository.read(path)).replace(/`[^`\n]*`/g, blank)
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((link) => {
    const target = link[1] ?? ''
    if (/^[a-z][a-z0-9+.-]*:/.test(target) || leadsSomewhere(repository, path, target)) return []
    const line = text.slice(0, link.index).split('\n').length
    return [{ path, line, what: `the link ${target} leads nowhere`, instead: 'mend or remove it' }]
  })
}

function leadsSomewhere(repository: Repository, path: string, link: string): boolean {
  const [relative = '', anchor] = link.split('#')
  const target =
    relative === '' ? path : decodeURI(new URL(relative, `file:///${path}`).pathname).slice(1)
  const folder = target.endsWith('/') ? target : `${target}/`
  if (!repository.has(target)) return repository.paths.some((one) => one.startsWith(folder))
  if (anchor === undefined || !target.endsWith('.md')) return true
  return anchors(repository.read(target)).has(anchor)
}

/** Anchors as the usual renderers make them. */
function anchors(text: string): Set<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, name]) => name ?? '')
  return new Set(
    headings.map((name) =>
      name
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/ /g, '-'),
    ),
  )
}
