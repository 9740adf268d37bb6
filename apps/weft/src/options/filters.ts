/** `--filter name=value`, as Docker's client reads it. */
import type { Filters } from '@weft/engine-api/client'
import { OptionFailure, pairOf, type Options } from '../option.ts'

/** The filters that were given. Throws CommandFailure for one without `=`. */
export function filtersOf(options: Options, name = 'filter'): Filters {
  const filters: Record<string, string[]> = {}
  for (const text of options.list(name).filter((one) => one !== '')) {
    if (!text.includes('=')) {
      throw new OptionFailure(name, text, 'bad format of filter (expected name=value)')
    }
    const [key, value] = pairOf(text)
    const values = (filters[key.trim().toLowerCase()] ??= [])
    if (!values.includes(value.trim())) values.push(value.trim())
  }
  return filters
}
