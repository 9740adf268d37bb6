/** Docker's types as templates see them (docker/docker/api/types 20.10), in the order of Go. */
import {
  anything,
  duration,
  embedded,
  flag,
  labels,
  list,
  map,
  number,
  pointer,
  struct,
  text,
  time,
  type Shape,
} from './shape.ts'

const ipam = struct('network.IPAM', {
  Driver: text,
  Options: labels,
  Config: list(
    struct('network.IPAMConfig', {
      Subnet: text,
      IPRange: text,
      Gateway: text,
      AuxAddress: ['AuxiliaryAddresses', labels],
    }),
  ),
})

/** GET /networks/{id}. */
export const networkShape: Shape = struct('types.NetworkResource', {
  Name: text,
  ID: ['Id', text],
  Created: time,
  Scope: text,
  Driver: text,
  EnableIPv6: flag,
  IPAM: ipam,
  Internal: flag,
  Attachable: flag,
  Ingress: flag,
  ConfigFrom: struct('network.ConfigReference', { Network: text }),
  ConfigOnly: flag,
  Containers: map(
    struct('types.EndpointResource', {
      Name: text,
      EndpointID: text,
      MacAddress: text,
      IPv4Address: text,
      IPv6Address: text,
    }),
  ),
  Options: labels,
  Labels: labels,
  Peers: list(struct('network.PeerInfo', { Name: text, IP: text })),
  Services: map(
    struct('network.ServiceInfo', {
      VIP: text,
      Ports: list(text),
      LocalLBIndex: number,
      Tasks: list(
        struct('network.Task', {
          Name: text,
          EndpointID: text,
          EndpointIP: text,
          Info: labels,
        }),
      ),
    }),
  ),
})

const meta = struct('swarm.Meta', {
  Version: struct('swarm.Version', { Index: number }),
  CreatedAt: time,
  UpdatedAt: time,
})
const annotations = struct('swarm.Annotations', { Name: text, Labels: labels })
const tlsInfo = struct('swarm.TLSInfo', {
  TrustRoot: text,
  CertIssuerSubject: text,
  CertIssuerPublicKey: text,
})

/** GET /nodes/{id}. */
export const nodeShape: Shape = struct('swarm.Node', {
  ID: text,
  Meta: embedded(meta),
  Spec: struct('swarm.NodeSpec', {
    Annotations: embedded(annotations),
    Role: text,
    Availability: text,
  }),
  Description: struct('swarm.NodeDescription', {
    Hostname: text,
    Platform: struct('swarm.Platform', { Architecture: text, OS: text }),
    Resources: struct('swarm.Resources', {
      NanoCPUs: number,
      MemoryBytes: number,
      GenericResources: list(anything),
    }),
    Engine: struct('swarm.EngineDescription', {
      EngineVersion: text,
      Labels: labels,
      Plugins: list(struct('swarm.PluginDescription', { Type: text, Name: text })),
    }),
    TLSInfo: tlsInfo,
  }),
  Status: struct('swarm.NodeStatus', { State: text, Message: text, Addr: text }),
  ManagerStatus: pointer('swarm.ManagerStatus', { Leader: flag, Reachability: text, Addr: text }),
})

const swarmSpec = struct('swarm.Spec', {
  Annotations: embedded(annotations),
  Orchestration: struct('swarm.OrchestrationConfig', { TaskHistoryRetentionLimit: anything }),
  Raft: struct('swarm.RaftConfig', {
    SnapshotInterval: number,
    KeepOldSnapshots: anything,
    LogEntriesForSlowFollowers: number,
    ElectionTick: number,
    HeartbeatTick: number,
  }),
  Dispatcher: struct('swarm.DispatcherConfig', { HeartbeatPeriod: duration }),
  CAConfig: struct('swarm.CAConfig', {
    NodeCertExpiry: duration,
    ExternalCAs: list(anything),
    SigningCACert: text,
    SigningCAKey: text,
    ForceRotate: number,
  }),
  TaskDefaults: struct('swarm.TaskDefaults', { LogDriver: anything }),
  EncryptionConfig: struct('swarm.EncryptionConfig', { AutoLockManagers: flag }),
})

const clusterInfo = pointer('swarm.ClusterInfo', {
  ID: text,
  Meta: embedded(meta),
  Spec: swarmSpec,
  TLSInfo: tlsInfo,
  RootRotationInProgress: flag,
  DefaultAddrPool: list(text),
  SubnetSize: number,
  DataPathPort: number,
})

const swarmInfo = struct('swarm.Info', {
  NodeID: text,
  NodeAddr: text,
  LocalNodeState: text,
  ControlAvailable: flag,
  Error: text,
  RemoteManagers: list(struct('swarm.Peer', { NodeID: text, Addr: text })),
  Nodes: number,
  Managers: number,
  Cluster: clusterInfo,
  Warnings: list(text),
})

const plugins = struct('types.PluginsInfo', {
  Volume: list(text),
  Network: list(text),
  Authorization: list(text),
  Log: list(text),
})

const engineInfo = struct('types.Info', {
  ID: text,
  Containers: number,
  ContainersRunning: number,
  ContainersPaused: number,
  ContainersStopped: number,
  Images: number,
  Driver: text,
  DriverStatus: list(list(text)),
  Plugins: plugins,
  MemoryLimit: flag,
  SwapLimit: flag,
  CPUShares: flag,
  CPUSet: flag,
  IPv4Forwarding: flag,
  Debug: flag,
  NFd: number,
  NGoroutines: number,
  SystemTime: text,
  LoggingDriver: text,
  CgroupDriver: text,
  CgroupVersion: text,
  NEventsListener: number,
  KernelVersion: text,
  OperatingSystem: text,
  OSVersion: text,
  OSType: text,
  Architecture: text,
  NCPU: number,
  MemTotal: number,
  GenericResources: list(anything),
  DockerRootDir: text,
  HTTPProxy: ['HttpProxy', text],
  HTTPSProxy: ['HttpsProxy', text],
  NoProxy: text,
  Name: text,
  Labels: list(text),
  ExperimentalBuild: flag,
  ServerVersion: text,
  Runtimes: map(anything),
  DefaultRuntime: text,
  Swarm: swarmInfo,
  LiveRestoreEnabled: flag,
  Isolation: text,
  InitBinary: text,
  SecurityOptions: list(text),
  DefaultAddressPools: list(struct('types.NetworkAddressPool', { Base: text, Size: number })),
  Warnings: list(text),
})

/** GET /info, with what the client says of itself. */
export const infoShape: Shape = struct('system.info', {
  Info: embedded(engineInfo),
  ServerErrors: list(text),
  ClientInfo: struct('system.clientInfo', {
    Debug: flag,
    Context: text,
    Plugins: list(anything),
    Warnings: list(text),
  }),
  ClientErrors: list(text),
})

/** GET /version, with what the client says of itself. */
export const versionShape: Shape = struct('system.versionInfo', {
  Client: struct('system.clientVersion', {
    Platform: struct('struct', { Name: text }),
    Version: text,
    APIVersion: ['ApiVersion', text],
    DefaultAPIVersion: text,
    GitCommit: text,
    GoVersion: text,
    Os: text,
    Arch: text,
    BuildTime: text,
    Context: text,
    Experimental: flag,
  }),
  Server: pointer('types.Version', {
    Platform: struct('struct', { Name: text }),
    Components: list(
      struct('types.ComponentVersion', { Name: text, Version: text, Details: labels }),
    ),
    Version: text,
    APIVersion: ['ApiVersion', text],
    MinAPIVersion: text,
    GitCommit: text,
    GoVersion: text,
    Os: text,
    Arch: text,
    KernelVersion: text,
    Experimental: flag,
    BuildTime: text,
  }),
  ServerOK: ['ServerOK', flag],
})

/** A line of GET /events. */
export const eventShape: Shape = struct('*events.Message', {
  Status: ['status', text],
  ID: ['id', text],
  From: ['from', text],
  Type: text,
  Action: text,
  Actor: struct('events.Actor', { ID: text, Attributes: labels }),
  Scope: ['scope', text],
  Time: ['time', number],
  TimeNano: ['timeNano', number],
})
