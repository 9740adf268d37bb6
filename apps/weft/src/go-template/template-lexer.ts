/** Words of a Go template (text/template/parse): text between actions, and tokens inside them. */
import { parseFault } from './template-fault.ts'

/** The longest template that is read, in characters. A `--format` longer than this is a mistake. */
export const TEMPLATE_LENGTH_MAX = 65_536

/** What a token is. */
export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'word'
  | 'field'
  | 'variable'
  | 'dot'
  | 'string'
  | 'number'
  | 'symbol'
  | 'end'

/** A piece of a template and where it stands. */
export interface Token {
  readonly kind: TokenKind
  /** As written; of text, trimmed where an action beside it asks for that. */
  readonly text: string
  readonly position: number
}

/** A template and the name that messages give it. */
export interface NamedTemplate {
  readonly name: string
  readonly template: string
}

const NUMBER =
  /[+-]?(?:0[xX][\da-fA-F_]+|0[oO]?[0-7_]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)/y

/** Tokens inside of an action, tried in this order. */
const INSIDE: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['field', /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['number', NUMBER],
  ['dot', /\./y],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  ['word', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'/y],
  ['symbol', /:=|[=|(),]/y],
]
const TRIM_LEFT = /^\{\{-[ \t\r\n]/
const TRIM_RIGHT = /[ \t\r\n]-\}\}/y
const COMMENT = /\/\*[\s\S]*?\*\//y

/** All tokens of a template, the last of kind `end`. Throws TemplateFault. */
export function lexTemplate({ name, template }: NamedTemplate): Token[] {
  if (template.length > TEMPLATE_LENGTH_MAX) {
    throw parseFault(name, 1, `longer than ${TEMPLATE_LENGTH_MAX} characters`)
  }
  const tokens: Token[] = []
  let position = 0
  let trimNext = false
  while (position < template.length) {
    const open = template.indexOf('{{', position)
    const stop = open < 0 ? template.length : open
    const trimThis = open >= 0 && TRIM_LEFT.test(template.slice(open, open + 4))
    let text = template.slice(position, stop)
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, '')
    if (trimThis) text = text.replace(/[ \t\r\n]+$/, '')
    if (text !== '') tokens.push({ kind: 'text', text, position })
    if (open < 0) break
    const action = lexAction({ name, template }, { open, delimiter: trimThis ? 3 : 2 }, tokens)
    position = action.end
    trimNext = action.trims
  }
  tokens.push({ kind: 'end', text: '', position: template.length })
  return tokens
}

/** One action from its `{{` on; a comment leaves no tokens. */
function lexAction(
  source: NamedTemplate,
  { open, delimiter }: { readonly open: number; readonly delimiter: number },
  tokens: Token[],
): { readonly end: number; readonly trims: boolean } {
  const { template } = source
  let position = open + delimiter
  const afterSpace = delimiter === 3 ? position + 1 : position
  COMMENT.lastIndex = afterSpace
  if (template.startsWith('/*', afterSpace)) {
    if (!COMMENT.test(template)) throw faultAt(source, open, 'unclosed comment')
    const close = closeAt(template, COMMENT.lastIndex)
    if (close === null) throw faultAt(source, open, 'comment ends before closing delimiter')
    return close
  }
  tokens.push({ kind: 'open', text: '{{', position: open })
  for (;;) {
    const close = closeAt(template, position)
    if (close !== null) {
      tokens.push({ kind: 'close', text: '}}', position: close.end - 2 })
      return close
    }
    const token = tokenAt(source, position)
    tokens.push(token)
    position += token.text.length
  }
}

function closeAt(
  template: string,
  position: number,
): { readonly end: number; readonly trims: boolean } | null {
  if (template.startsWith('}}', position)) return { end: position + 2, trims: false }
  TRIM_RIGHT.lastIndex = position
  return TRIM_RIGHT.test(template) ? { end: position + 4, trims: true } : null
}

function tokenAt(source: NamedTemplate, position: number): Token {
  const { template } = source
  for (const [kind, pattern] of INSIDE) {
    pattern.lastIndex = position
    const text = pattern.exec(template)?.[0]
    if (text !== undefined) return { kind, text, position }
  }
  const character = template.slice(position, position + 1)
  if (character === '') throw faultAt(source, position, 'unclosed action')
  if (character === '"') throw faultAt(source, position, 'unterminated quoted string')
  if (character === '`') throw faultAt(source, position, 'unterminated raw quoted string')
  if (character === "'") throw faultAt(source, position, 'unterminated character constant')
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
  if (/[\p{L}\p{Nd}_]/u.test(template.charAt(position - 1))) {
    throw faultAt(source, position, `bad character U+${code} '${character}'`)
  }
  const isPlain = /[!-~]/.test(character)
  const problem = isPlain
    ? `unexpected "${character}" in command`
    : `unrecognized character in action: U+${code} '${character}'`
  throw faultAt(source, position, problem)
}

/** Number of the line that a position is in, from 1. */
export function lineAt(template: string, position: number): number {
  return template.slice(0, position).split('\n').length
}

function faultAt({ name, template }: NamedTemplate, position: number, problem: string): Error {
  return parseFault(name, lineAt(template, position), problem)
}
