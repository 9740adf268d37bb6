/** What a Go template is made of once it is read. */
import type { Place } from './template-fault.ts'

/** A part of a template that writes something, or decides what is written. */
export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with' | 'range'; readonly pipe: Pipe } & Branches
  | { readonly kind: 'break' | 'continue' }

/** What is carried out when a pipeline has something to give, and when it has not. */
export interface Branches {
  readonly then: readonly TemplateNode[]
  readonly otherwise: readonly TemplateNode[]
}

/** Commands, each of which is handed the last one's result as its last argument. */
export interface Pipe {
  /** Variables that get the result, without their `$`. */
  readonly variables: readonly string[]
  /** `=`: they exist already. */
  readonly assigns: boolean
  readonly commands: readonly Command[]
}

/** A value, or a function or method with its arguments. */
export type Command = readonly Operand[]

/** One word of a command. */
export type Operand = { readonly place: Place } & (
  | { readonly kind: 'dot' | 'nil' }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | {
      readonly kind: 'function'
      readonly name: string
      /** The function with its arguments. */
      readonly called: Place
    }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'field'; readonly fields: readonly string[] }
  | { readonly kind: 'chain'; readonly pipe: Pipe; readonly fields: readonly string[] }
)
