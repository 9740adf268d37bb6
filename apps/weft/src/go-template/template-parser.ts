/** Reads a Go template into nodes (text/template/parse), with Go's words for what is wrong. */
import { isTemplateFunction } from './template-functions.ts'
import { parseFault, type Place, type TemplateFault } from './template-fault.ts'
import {
  lexTemplate,
  lineAt,
  type NamedTemplate,
  type Token,
  type TokenKind,
} from './template-lexer.ts'
import type { Branches, Command, Operand, Pipe, TemplateNode } from './template-node.ts'

/** How deep actions and parentheses may nest. */
export const TEMPLATE_DEPTH_MAX = 64

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v',
}

/** Read a template. Throws TemplateFault with what Go would say. */
export function parseTemplate(source: NamedTemplate): readonly TemplateNode[] {
  return new TemplateParser(source).parse()
}

class TemplateParser {
  readonly #name: string
  readonly #template: string
  readonly #tokens: readonly Token[]
  #index = 0
  #depth = 0
  #loops = 0
  #variables = ['']

  constructor(source: NamedTemplate) {
    this.#name = source.name
    this.#template = source.template
    this.#tokens = lexTemplate(source)
  }

  parse(): readonly TemplateNode[] {
    const { nodes, stop } = this.#list(false)
    if (stop !== '') throw this.#fault(`unexpected {{${stop}}}`)
    return nodes
  }

  /** Nodes up to `{{else`, `{{end}}` or the end of the template; past the word that stopped it. */
  #list(nested: boolean): { readonly nodes: readonly TemplateNode[]; readonly stop: string } {
    const nodes: TemplateNode[] = []
    for (;;) {
      const token = this.#next()
      if (token.kind === 'end') {
        if (nested) throw this.#fault('unexpected EOF')
        return { nodes, stop: '' }
      }
      if (token.kind === 'text') nodes.push({ kind: 'text', text: token.text })
      else {
        this.#skipSpace()
        const word = this.#peek().kind === 'word' ? this.#peek().text : ''
        if (word === 'end' || word === 'else') {
          this.#index += 1
          return { nodes, stop: word }
        }
        nodes.push(this.#action(word))
      }
    }
  }

  #action(word: string): TemplateNode {
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        this.#index += 1
        return this.#control(word)
      case 'break':
      case 'continue':
        this.#index += 1
        if (this.#loops === 0) throw this.#fault(`{{${word}}} outside {{range}}`)
        this.#close(word)
        return { kind: word }
      case 'define':
      case 'template':
      case 'block':
        throw this.#fault(`{{${word}}} is not supported: a format is one template`)
      default:
        return { kind: 'action', pipe: this.#pipe('command', 'close') }
    }
  }

  #control(kind: 'if' | 'with' | 'range'): TemplateNode {
    this.#deeper()
    const scope = this.#variables.length
    const pipe = this.#pipe(kind, 'close')
    if (kind === 'range') this.#loops += 1
    const then = this.#list(true)
    const otherwise = then.stop === 'else' ? this.#otherwise(kind) : []
    if (then.stop === 'end') this.#close('end')
    if (kind === 'range') this.#loops -= 1
    this.#variables.length = scope
    this.#depth -= 1
    return { kind, pipe, then: then.nodes, otherwise }
  }

  /** What is after `{{else`: its own nodes, or for `{{else if}}` a control of its own. */
  #otherwise(kind: string): Branches['otherwise'] {
    this.#skipSpace()
    if (kind === 'if' && this.#peek().text === 'if') {
      this.#index += 1
      return [this.#control('if')]
    }
    this.#close('else')
    const { nodes, stop } = this.#list(true)
    if (stop !== 'end') throw this.#fault('expected end; found {{else}}')
    this.#close('end')
    return nodes
  }

  #pipe(context: string, until: TokenKind | ')'): Pipe {
    this.#deeper()
    const { variables, assigns } = this.#declarations(context)
    const commands: Command[] = []
    for (;;) {
      this.#skipSpace()
      const token = this.#peek()
      if (token.kind === until || token.text === until) {
        if (commands.length === 0) throw this.#fault(`missing value for ${context}`)
        this.#index += 1
        break
      }
      if (token.kind === 'close') throw this.#fault('unclosed left paren')
      if (token.kind === 'symbol' && token.text !== '(') {
        throw this.#fault(`unexpected ${this.#described(token)} in ${context}`)
      }
      commands.push(this.#command())
    }
    this.#refuseValuesAsCommands(commands)
    for (const name of assigns ? [] : variables) this.#variables.push(name)
    this.#depth -= 1
    return { variables, assigns, commands }
  }

  /** Only functions and methods can be handed a result. */
  #refuseValuesAsCommands(commands: readonly Command[]): void {
    const index = commands.findIndex(([first], at) => {
      return at > 0 && (first?.kind === 'literal' || first?.kind === 'dot' || first?.kind === 'nil')
    })
    if (index < 0) return
    throw this.#fault(`non executable command in pipeline stage ${index + 1}`)
  }

  /** `$x :=`, `$x =`, and in a range `$i, $x :=`. */
  #declarations(context: string): { readonly variables: string[]; readonly assigns: boolean } {
    const start = this.#index
    const variables: string[] = []
    for (;;) {
      this.#skipSpace()
      const variable = this.#next()
      if (variable.kind !== 'variable') break
      variables.push(variable.text.slice(1))
      this.#skipSpace()
      const { text } = this.#next()
      if (text === ':=' || text === '=') {
        for (const name of text === '=' ? variables : []) this.#known(name)
        return { variables, assigns: text === '=' }
      }
      if (text !== ',' || context !== 'range' || variables.length > 1) break
    }
    this.#index = start
    return { variables: [], assigns: false }
  }

  #command(): Command {
    const operands: Operand[] = []
    this.#skipSpace()
    const start = this.#peek().position
    let end = start
    for (;;) {
      this.#skipSpace()
      const token = this.#peek()
      if (token.kind === 'close' || token.text === ')') break
      if (token.text === '|') {
        this.#index += 1
        break
      }
      operands.push(this.#operand())
      end = this.#peek().position
      const { kind, text } = this.#peek()
      if (kind !== 'space' && kind !== 'close' && text !== '|' && text !== ')') {
        throw this.#fault(`unexpected ${this.#described(this.#peek())} in operand`)
      }
    }
    const [first, ...rest] = operands
    if (first === undefined) throw this.#fault('empty command')
    if (first.kind !== 'function') return operands
    // Go shows a function with its arguments.
    const shown = this.#template.slice(start, end)
    return [{ ...first, called: { ...first.place, shown } }, ...rest]
  }

  #operand(): Operand {
    const token = this.#next()
    const isNamed = token.kind === 'field' || token.kind === 'variable' || token.kind === 'dot'
    const rest = isNamed ? this.#fields() : []
    const fields = token.kind === 'field' ? [token.text.slice(1), ...rest] : rest
    const place = this.#place(token, rest)
    switch (token.kind) {
      case 'dot':
        if (rest.length > 0) throw this.#fault('unexpected . after term "."')
        return { kind: 'dot', place }
      case 'field':
        return { kind: 'field', fields, place }
      case 'variable':
        this.#known(token.text.slice(1))
        return { kind: 'variable', name: token.text.slice(1), fields, place }
      case 'string':
        return { kind: 'literal', value: unquote(token.text), place }
      case 'number':
        return { kind: 'literal', value: this.#number(token.text), place }
      case 'word':
        return this.#word(token.text, place)
      default:
        if (token.text === '(') return this.#parenthesis(token)
        throw this.#fault(`unexpected ${this.#described(token)} in command`)
    }
  }

  #parenthesis(open: Token): Operand {
    const pipe = this.#pipe('parenthesized pipeline', ')')
    const shown = this.#template.slice(open.position, this.#peek().position)
    const place = this.#placeAt(open.position, shown)
    return { kind: 'chain', pipe, fields: this.#fields(), place }
  }

  #word(text: string, place: Place): Operand {
    if (text === 'true' || text === 'false') {
      return { kind: 'literal', value: text === 'true', place }
    }
    if (text === 'nil') return { kind: 'nil', place }
    if (!isTemplateFunction(text)) throw this.#fault(`function "${text}" not defined`)
    return { kind: 'function', name: text, place, called: place }
  }

  #number(text: string): number {
    const value = Number(text.replaceAll('_', ''))
    if (!Number.isFinite(value)) throw this.#fault(`bad number syntax: "${text}"`)
    return value
  }

  #fields(): string[] {
    const fields: string[] = []
    while (this.#peek().kind === 'field') fields.push(this.#next().text.slice(1))
    return fields
  }

  #close(word: string): void {
    this.#skipSpace()
    const token = this.#next()
    if (token.kind !== 'close') throw this.#fault(`unexpected ${this.#described(token)} in ${word}`)
  }

  #known(name: string): void {
    if (!this.#variables.includes(name)) throw this.#fault(`undefined variable "$${name}"`)
  }

  #deeper(): void {
    this.#depth += 1
    if (this.#depth > TEMPLATE_DEPTH_MAX) throw this.#fault(`deeper than ${TEMPLATE_DEPTH_MAX}`)
  }

  /** Go places a chain of fields at its second one. */
  #place(token: Token, rest: readonly string[]): Place {
    const shown = [token.text, ...rest.map((field) => `.${field}`)].join('')
    const isChain = rest.length > 0 && token.kind !== 'variable'
    return this.#placeAt(token.position + (isChain ? token.text.length : 0), shown)
  }

  #placeAt(position: number, shown: string): Place {
    const lineStart = this.#template.lastIndexOf('\n', position - 1)
    const column = position - lineStart - 1
    return { name: this.#name, line: lineAt(this.#template, position), column, shown }
  }

  #described(token: Token): string {
    if (token.kind === 'end') return 'EOF'
    if (token.kind === 'dot') return '<.>'
    return token.kind === 'word' ? `<${token.text}>` : JSON.stringify(token.text)
  }

  #fault(problem: string): TemplateFault {
    const last = this.#tokens[Math.max(this.#index - 1, 0)]
    return parseFault(this.#name, lineAt(this.#template, last?.position ?? 0), problem)
  }

  #skipSpace(): void {
    while (this.#peek().kind === 'space') this.#index += 1
  }

  #peek(): Token {
    return this.#tokens[this.#index] ?? { kind: 'end', text: '', position: this.#template.length }
  }

  #next(): Token {
    const token = this.#peek()
    this.#index += 1
    return token
  }
}

const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/g

/** The text that a quoted string of Go stands for; of a character constant, its code point. */
function unquote(quoted: string): string | number {
  const inner = quoted.slice(1, -1)
  if (quoted.startsWith('`')) return inner
  const text = inner.replace(ESCAPE, escaped)
  return quoted.startsWith("'") ? (text.codePointAt(0) ?? 0) : text
}

function escaped(
  _: string,
  ...[two, four, eight, octal, letter]: readonly (string | undefined)[]
): string {
  const hex = two ?? four ?? eight
  if (hex !== undefined) return String.fromCodePoint(Math.min(parseInt(hex, 16), LAST_CODE_POINT))
  if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8))
  return ESCAPES[letter ?? ''] ?? letter ?? ''
}

/** The last code point of Unicode. */
const LAST_CODE_POINT = 0x10_ffff
