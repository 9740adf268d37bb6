/** `--default-addr-pool` of `swarm init`: ranges that networks get their subnets from. */
import { cidrOf, hasCode, parseInterfaceAddress, type Cidr } from '@weft/core'
import { OptionFailure, type Options, type OptionSpec } from '../option.ts'

/** The option as it is declared. */
export const POOL_OPTION: OptionSpec = {
  name: 'default-addr-pool',
  value: 'ipNetSlice',
  about: 'default address pool in CIDR format (default [])',
}

/** All pools that were given, without their host bits, as Go reads them. Throws OptionFailure. */
export function poolsOf(options: Options): Cidr[] {
  return options.list(POOL_OPTION.name).flatMap((given) =>
    given.split(',').map((text) => {
      try {
        return cidrOf(parseInterfaceAddress(text.trim()))
      } catch (error) {
        if (!hasCode(error, 'ERR_INVALID_VALUE')) throw error
        const problem = `invalid string being converted to CIDR: ${text}`
        throw new OptionFailure(POOL_OPTION.name, given, problem)
      }
    }),
  )
}
