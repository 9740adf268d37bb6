/** A node for people: `node inspect --pretty`, as Docker's client lays it out. */
import type { NodeJson } from '@weft/engine-api/client'
import { bytesText, capitalized, goTime } from './units.ts'

const NANO = 1_000_000_000

/** All lines, without the last end of line. */
export function prettyNode(node: NodeJson): string {
  const { Spec, Description, Status } = node
  return [
    `ID:\t\t\t${node.ID}`,
    ...(Spec.Name ? [`Name:\t\t\t${Spec.Name}`] : []),
    ...labelled('Labels:', Spec.Labels),
    `Hostname:              \t${Description.Hostname ?? ''}`,
    `Joined at:             \t${capitalized(goTime(node.CreatedAt))}`,
    'Status:',
    ` State:\t\t\t${capitalized(Status.State)}`,
    ...(Status.Message ? [` Message:              \t${capitalized(Status.Message)}`] : []),
    ` Availability:         \t${capitalized(Spec.Availability)}`,
    ...(Status.Addr ? [` Address:\t\t${Status.Addr}`] : []),
    ...managerLines(node),
    'Platform:',
    ` Operating System:\t${Description.Platform.OS ?? ''}`,
    ` Architecture:\t\t${Description.Platform.Architecture ?? ''}`,
    'Resources:',
    ` CPUs:\t\t\t${Math.trunc((Description.Resources.NanoCPUs ?? 0) / NANO)}`,
    ` Memory:\t\t${memoryText(Description.Resources.MemoryBytes ?? 0)}`,
    ...pluginLines(Description.Engine.Plugins ?? []),
    `Engine Version:\t\t${Description.Engine.EngineVersion ?? ''}`,
    ...labelled('Engine Labels:', Description.Engine.Labels ?? {}),
    ...tlsLines(node),
  ].join('\n')
}

function labelled(title: string, labels: Readonly<Record<string, string>> | null): string[] {
  const keys = Object.keys(labels ?? {}).sort()
  if (keys.length === 0) return []
  const lines = keys.map((key) => {
    const value = labels?.[key] ?? ''
    return ` - ${key}${value === '' ? '' : `=${value}`}`
  })
  return [title, ...lines]
}

function managerLines({ ManagerStatus }: NodeJson): string[] {
  if (ManagerStatus === undefined) return []
  return [
    'Manager Status:',
    ` Address:\t\t${ManagerStatus.Addr}`,
    ` Raft Status:\t\t${capitalized(ManagerStatus.Reachability)}`,
    ` Leader:\t\t${ManagerStatus.Leader === true ? 'Yes' : 'No'}`,
  ]
}

function memoryText(bytes: number): string {
  return bytes === 0 ? '' : bytesText(bytes)
}

function pluginLines(
  plugins: readonly { readonly Type: string; readonly Name: string }[],
): string[] {
  if (plugins.length === 0) return []
  const kinds = [...new Set(plugins.map(({ Type }) => Type))].sort()
  const lines = kinds.map((kind) => {
    const names = plugins.filter(({ Type }) => Type === kind).map(({ Name }) => Name)
    return ` ${kind}:\t\t${names.join(', ')}`
  })
  return ['Plugins:', ...lines]
}

function tlsLines({ Description: { TLSInfo } }: NodeJson): string[] {
  const { TrustRoot = '', CertIssuerSubject = '', CertIssuerPublicKey = '' } = TLSInfo
  if (TrustRoot === '' && CertIssuerSubject === '' && CertIssuerPublicKey === '') return []
  return [
    'TLS Info:',
    ' TrustRoot:',
    TrustRoot,
    ` Issuer Subject:\t${CertIssuerSubject}`,
    ` Issuer Public Key:\t${CertIssuerPublicKey}`,
  ]
}
