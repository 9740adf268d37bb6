/** Address management: pools, subnets, reservations and leases, allocated deterministically. */
export { createIpam, Ipam, restoreIpam, type AutoSubnet, type IpamOptions } from './ipam.ts'
export { checkName, ipamError, NAME_LENGTH_MAX, type IpamErrors } from './ipam-errors.ts'
export { BITMAP_SIZE_MAX, LazyBitmap } from './lazy-bitmap.ts'
export type { CommitResult, LeaseStore, StoreChange, StoredRecord } from './lease-store.ts'
export { MemoryLeaseStore } from './memory-lease-store.ts'
export { NetworkLeases, type Lease, type LeaseRequest } from './network-leases.ts'
export { COOLING_LENGTH_MAX, NumberPool, type PoolPosition } from './number-pool.ts'
export { COMMIT_ATTEMPTS_MAX, SharedIpam, type SharedIpamOptions } from './shared-ipam.ts'
export {
  SNAPSHOT_VERSION,
  type IpamSnapshot,
  type NetworkSnapshot,
  type SubnetSnapshot,
} from './snapshot.ts'
export { SubnetLeases } from './subnet-leases.ts'
export { swarmPools, type PoolRequest, type PoolUsage } from './subnet-planner.ts'
export {
  gatewayInterface,
  SUBNET_PREFIX_MAX,
  type Reservation,
  type SubnetRequest,
  type SubnetSpec,
} from './subnet-spec.ts'
export { USAGE_ALARM_PERCENT, type IpamUsage, type NetworkUsage, type Usage } from './usage.ts'
export { VNI_FIRST, VniAllocator } from './vni-allocator.ts'
