/** Addresses as rows have them, in text: null where core's parsers throw. */
import {
  parseInterfaceAddress,
  parseIp,
  parseMac,
  type InterfaceAddress,
  type Ip,
  type Mac,
} from '@weft/core'

/** An address of either family, or null. */
export function ipIn(text: string): Ip | null {
  return parsed(parseIp, text)
}

/** An address with the length of its prefix, or null. */
export function interfaceAddressIn(text: string): InterfaceAddress | null {
  return parsed(parseInterfaceAddress, text)
}

/** A MAC address, or null. */
export function macIn(text: string): Mac | null {
  return parsed(parseMac, text)
}

function parsed<Value>(parse: (text: string) => Value, text: string): Value | null {
  try {
    return parse(text)
  } catch {
    return null
  }
}
