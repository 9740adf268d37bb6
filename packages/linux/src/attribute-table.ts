/** Attributes of one kind of device as a table, so that writing and reading cannot disagree. */
import type { AttributeReader } from './attribute-reader.ts'
import type { MessageWriter } from './message-writer.ts'

/** How a value stands in its attribute. */
export type AttributeForm = 'bool' | 'presence' | 'u8' | 'u16' | 'u32' | 'u16be' | 'u32be'

/** Values by name: switches and numbers. */
export type AttributeValues = { readonly [name: string]: boolean | number }

/** For each name its attribute type and form. */
export type AttributeTable<Names extends string> = {
  readonly [name in Names]: readonly [type: number, form: AttributeForm]
}

/** Write the values that are there, in the order of the table. */
export function writeTable<Names extends string>(
  writer: MessageWriter,
  table: AttributeTable<Names>,
  values: { readonly [name in Names]?: boolean | number },
): void {
  for (const name of Object.keys(table) as Names[]) {
    const value = values[name]
    if (value === undefined) continue
    const [type, form] = table[name]
    if (form === 'presence') {
      if (value === true) writer.flag(type)
    } else writer[form === 'bool' ? 'u8' : form](type, Number(value))
  }
}

/** Type → name and form, for reading. */
export type AttributeIndex = ReadonlyMap<
  number,
  { readonly name: string; readonly form: AttributeForm }
>

/** The index of a table. */
export function indexTable<Names extends string>(table: AttributeTable<Names>): AttributeIndex {
  const entries = Object.entries<readonly [number, AttributeForm]>(table)
  return new Map(entries.map(([name, [type, form]]) => [type, { name, form }]))
}

/** Put the current attribute into `values` when the table knows it and its value is long enough. */
export function readTabled(
  index: AttributeIndex,
  attribute: AttributeReader,
  values: { [name: string]: boolean | number },
): void {
  const field = index.get(attribute.type)
  if (field === undefined) return
  // The kernel answers some of these with a byte (IFLA_VXLAN_TTL_INHERIT).
  if (field.form === 'presence') values[field.name] = attribute.u8() !== 0
  else {
    const value = attribute[field.form === 'bool' ? 'u8' : field.form]()
    if (value !== null) values[field.name] = field.form === 'bool' ? value !== 0 : value
  }
}
