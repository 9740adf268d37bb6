/** Asks before something is done that cannot be undone. */
import type { Surroundings } from '../surroundings.ts'

/** True when the answer is `y`; whatever else is said, or the end of the input, is no. */
export async function confirms(
  { out, readLine }: Pick<Surroundings, 'out' | 'readLine'>,
  question: string,
): Promise<boolean> {
  out.write(`${question} [y/N] `)
  return (await readLine()).toLowerCase() === 'y'
}
