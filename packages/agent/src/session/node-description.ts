/** What a node says of itself when a session begins (docker-wire §7.8). */
import { create } from '@bufbuild/protobuf'
import { utf8Bytes } from '@weft/core'
import { NodeDescriptionSchema, type NodeDescription, type RootFacts } from '@weft/swarm'
import type { NodeFacts } from '../agent-options.ts'

/**
 * The description that managers are sent. A manager's scheduler gives attachments of overlay
 * networks only to nodes that list the plugin (docker-wire §7.11).
 */
export function nodeDescription(facts: NodeFacts, root: RootFacts): NodeDescription {
  const { hostname, architecture, os, nanoCpus, memoryBytes, engineVersion, labels } = facts
  return create(NodeDescriptionSchema, {
    hostname,
    platform: { architecture, os },
    resources: {
      nanoCpus: BigInt(Math.trunc(nanoCpus)),
      memoryBytes: BigInt(Math.trunc(memoryBytes)),
    },
    engine: {
      engineVersion,
      labels: { ...labels },
      plugins: [{ type: 'Network', name: 'overlay' }],
    },
    tlsInfo: {
      trustRoot: utf8Bytes(root.rootPem),
      certIssuerSubject: root.issuerSubject,
      certIssuerPublicKey: root.issuerPublicKey,
    },
  })
}
