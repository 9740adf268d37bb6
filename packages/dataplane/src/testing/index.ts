/** Test kit of @weft/dataplane: desired states in few words, and what a report says in one. */
export { failuresOf, nextDrift } from './answers.ts'
export { desired, local, network, remote, subnet, underlayIp } from './plain-states.ts'
