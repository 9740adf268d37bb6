/** Carries out Go templates (text/template), as `--format` has them. */
import { goTypeName, GoMap, GoNil, GoStruct, isGoTrue, printGo, type GoValue } from './go-value.ts'
import { executionFault, TemplateFault, type Place } from './template-fault.ts'
import { callTemplateFunction, CallFault, checkArgumentCount } from './template-functions.ts'
import type { Operand, Pipe, TemplateNode } from './template-node.ts'
import { parseTemplate } from './template-parser.ts'

/** How a template is carried out. */
export interface ExecuteOptions {
  /** A key that a map lacks is an error, not `<no value>`. */
  readonly strict?: boolean
  /** Headers of a table: functions leave them as they are. */
  readonly keepHeaders?: boolean
}

/** A template that was read, and can be carried out for any value. */
export class Template {
  readonly #nodes: readonly TemplateNode[]

  private constructor(nodes: readonly TemplateNode[]) {
    this.#nodes = nodes
  }

  /** Throws TemplateFault with Go's words. */
  static parse(template: string, name = ''): Template {
    return new Template(parseTemplate({ name, template }))
  }

  /** What the template writes for a value. Throws TemplateFault. */
  execute(data: GoValue, options: ExecuteOptions = {}): string {
    const run = new Run(data, options)
    run.list(this.#nodes, data)
    return run.written
  }
}

/** Functions that would change a header (docker/cli templates.HeaderFunctions). */
const HEADER_FUNCTIONS = new Set(['json', 'split', 'join', 'title', 'lower', 'upper', 'truncate'])

/** One execution: what was written so far, and the variables that are known. */
class Run {
  written = ''
  readonly #options: ExecuteOptions
  readonly #variables: { readonly name: string; value: GoValue }[]

  constructor(data: GoValue, options: ExecuteOptions) {
    this.#options = options
    this.#variables = [{ name: '', value: data }]
  }

  /** Tells whether a `break` or `continue` ended it. */
  list(nodes: readonly TemplateNode[], dot: GoValue): 'done' | 'break' | 'continue' {
    for (const node of nodes) {
      const end = this.#node(node, dot)
      if (end !== 'done') return end
    }
    return 'done'
  }

  #node(node: TemplateNode, dot: GoValue): 'done' | 'break' | 'continue' {
    switch (node.kind) {
      case 'text':
        this.written += node.text
        return 'done'
      case 'action': {
        const value = this.#pipe(node.pipe, dot)
        if (node.pipe.variables.length === 0) this.written += printed(value)
        return 'done'
      }
      case 'break':
      case 'continue':
        return node.kind
      default: {
        const scope = this.#variables.length
        const end = node.kind === 'range' ? this.#range(node, dot) : this.#branch(node, dot)
        this.#variables.length = scope
        return end
      }
    }
  }

  #branch(
    node: Extract<TemplateNode, { readonly kind: 'if' | 'with' | 'range' }>,
    dot: GoValue,
  ): 'done' | 'break' | 'continue' {
    const value = this.#pipe(node.pipe, dot)
    if (!isGoTrue(value)) return this.list(node.otherwise, dot)
    return this.list(node.then, node.kind === 'with' ? value : dot)
  }

  #range(
    { pipe, then, otherwise }: Extract<TemplateNode, { readonly kind: 'if' | 'with' | 'range' }>,
    dot: GoValue,
  ): 'done' | 'break' | 'continue' {
    const over = this.#pipe({ ...pipe, variables: [] }, dot)
    const place = pipe.commands[0]?.[0]?.place
    const entries = entriesOf(over)
    if (entries === null) {
      const problem = `range can't iterate over ${printGo(over)}`
      throw place === undefined ? new TemplateFault(problem) : executionFault(place, problem)
    }
    if (entries.length === 0) return this.list(otherwise, dot)
    const scope = this.#variables.length
    for (const [key, value] of entries) {
      this.#bind(pipe, pipe.variables.length === 2 ? [key, value] : [value])
      const end = this.list(then, value)
      this.#variables.length = scope
      if (end === 'break') break
    }
    return 'done'
  }

  #pipe(pipe: Pipe, dot: GoValue): GoValue {
    let value: GoValue
    pipe.commands.forEach((command, index) => {
      value = this.#command(command, dot, index === 0 ? [] : [value])
    })
    if (pipe.variables.length > 0) this.#bind(pipe, [value])
    return value
  }

  #bind({ variables, assigns }: Pipe, values: readonly GoValue[]): void {
    variables.forEach((name, index) => {
      const known = assigns ? this.#variables.findLast((one) => one.name === name) : undefined
      if (known === undefined) this.#variables.push({ name, value: values[index] })
      else known.value = values[index]
    })
  }

  #command(
    [first, ...rest]: readonly Operand[],
    dot: GoValue,
    piped: readonly GoValue[],
  ): GoValue {
    if (first === undefined) return undefined
    if (first.kind === 'function') return this.#call(first, { rest, piped }, dot)
    const hasParameters = rest.length > 0 || piped.length > 0
    if (first.kind === 'nil') throw executionFault(first.place, 'nil is not a command')
    if (!hasParameters) return this.#operand(first, dot)
    const target = this.#operand(first, dot, () => [
      ...rest.map((operand) => this.#operand(operand, dot)),
      ...piped,
    ])
    if (first.kind === 'literal' || first.kind === 'dot') {
      throw executionFault(first.place, `can't give argument to non-function ${first.place.shown}`)
    }
    return target
  }

  #call(
    operand: FunctionOperand,
    { rest, piped }: Arguments,
    dot: GoValue,
  ): GoValue {
    const { name } = operand
    const count = rest.length + piped.length
    atPlace(operand, () => checkArgumentCount(name, count))
    if (name === 'and' || name === 'or') {
      return this.#firstThatDecides(name, { rest, piped }, dot)
    }
    const parameters = [...rest.map((operand) => this.#operand(operand, dot)), ...piped]
    if (this.#options.keepHeaders === true && HEADER_FUNCTIONS.has(name)) return parameters[0]
    const places = rest.map((one, index) => ({ value: parameters[index], place: one.place }))
    return atPlace(operand, () => callTemplateFunction(name, parameters), places)
  }

  /** `and` and `or` look at no more arguments than they need (Go 1.18). */
  #firstThatDecides(
    name: 'and' | 'or',
    { rest, piped }: Arguments,
    dot: GoValue,
  ): GoValue {
    let value: GoValue
    for (const operand of rest) {
      value = this.#operand(operand, dot)
      if (isGoTrue(value) === (name === 'or')) return value
    }
    return piped.length > 0 ? piped[0] : value
  }

  #operand(operand: Operand, dot: GoValue, parameters?: () => readonly GoValue[]): GoValue {
    switch (operand.kind) {
      case 'dot':
        return dot
      case 'nil':
        return new GoNil('untyped nil')
      case 'literal':
        return operand.value
      case 'function':
        return this.#call(operand, { rest: [], piped: [] }, dot)
      case 'field':
        return this.#fields(dot, operand, parameters)
      case 'variable': {
        const value = this.#variables.findLast((one) => one.name === operand.name)?.value
        return this.#fields(value, operand, parameters)
      }
      case 'chain':
        return this.#fields(this.#pipe(operand.pipe, dot), operand, parameters)
    }
  }

  #fields(
    from: GoValue,
    { fields, place }: { readonly fields: readonly string[]; readonly place: Place },
    parameters: (() => readonly GoValue[]) | undefined,
  ): GoValue {
    let value = from
    fields.forEach((name, index) => {
      const receiver = value
      value = this.#field(receiver, name, place)
      const given = index === fields.length - 1 ? parameters?.() : undefined
      if (typeof value === 'function') value = value(...(given ?? []))
      else if (given !== undefined) {
        const problem =
          receiver instanceof GoMap
            ? `${name} is not a method but has arguments`
            : `${name} has arguments but cannot be invoked as function`
        throw executionFault(place, problem)
      }
    })
    return value
  }

  #field(receiver: GoValue, name: string, place: Place): GoValue {
    if (receiver === undefined) return undefined
    if (receiver instanceof GoNil) {
      throw executionFault(place, `nil pointer evaluating ${receiver.typeName}.${name}`)
    }
    if (receiver instanceof GoMap) {
      if (!receiver.entries.has(name) && this.#options.strict === true) {
        throw executionFault(place, `map has no entry for key "${name}"`)
      }
      return receiver.entries.get(name)
    }
    if (receiver instanceof GoStruct && receiver.has(name)) return receiver.get(name)
    // What came as JSON without a type has none to name.
    const type = this.#options.strict === true ? 'interface {}' : goTypeName(receiver)
    throw executionFault(place, `can't evaluate field ${name} in type ${type}`)
  }
}

/** At the top a nil pointer or interface is no value (text/template printValue). */
function printed(value: GoValue): string {
  if (value instanceof GoNil) return value.typeName.startsWith('*') ? '<nil>' : '<no value>'
  return printGo(value)
}

function entriesOf(value: GoValue): readonly (readonly [GoValue, GoValue])[] | null {
  if (Array.isArray(value)) return value.map((one: GoValue, index) => [index, one] as const)
  if (value instanceof GoMap) return value.sorted()
  return value === undefined || value instanceof GoNil ? [] : null
}

/** What a function is handed: its own words, and the result of the command before it. */
interface Arguments {
  readonly rest: readonly Operand[]
  readonly piped: readonly GoValue[]
}

type FunctionOperand = Operand & { readonly kind: 'function' }

/** Go points at the name, at an argument, or at the whole call, by what was wrong. */
function atPlace<Result>(
  { place, called }: FunctionOperand,
  call: () => Result,
  parameters: readonly { readonly value: GoValue; readonly place: Place }[] = [],
): Result {
  try {
    return call()
  } catch (error) {
    if (!(error instanceof CallFault)) throw error
    const { about, message } = error
    if (about === 'count') throw executionFault(place, message)
    const wrong = about === 'call' ? undefined : about.argument
    const at = parameters.find(({ value }) => about !== 'call' && value === wrong)?.place
    throw executionFault(at ?? called, message)
  }
}
