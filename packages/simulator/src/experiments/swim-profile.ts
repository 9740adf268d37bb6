/** SWIM as it was before Lifeguard. */
import { dockerProfile, type MembershipProfile } from '@weft/gossip'

/** SWIM with suspicion: everything that Lifeguard added is off. */
export function swimProfile(): MembershipProfile {
  return {
    ...dockerProfile(),
    awarenessMultMax: 1,
    suspicionTimeoutMultMax: 1,
    tellSuspects: false,
    stallMs: 0,
  }
}
