// Where is the backend, and with which token may Grafana ask it? Everything else has a default.
import type { DataSourcePluginOptionsEditorProps } from '@grafana/data'
import { DataSourceHttpSettings, InlineField, Input, SecretInput } from '@grafana/ui'
import React from 'react'
import type { ProfileOptions, ProfileSecrets } from './datasource.ts'
import { MAX_NODES } from './query.ts'

export type ConfigEditorProps = DataSourcePluginOptionsEditorProps<ProfileOptions, ProfileSecrets>

export function ConfigEditor({ options, onOptionsChange }: ConfigEditorProps) {
  const setToken = (token: string) =>
    onOptionsChange({ ...options, secureJsonData: { ...options.secureJsonData, token } })
  const resetToken = () =>
    onOptionsChange({
      ...options,
      secureJsonFields: { ...options.secureJsonFields, token: false },
      secureJsonData: { ...options.secureJsonData, token: '' },
    })
  const setMaxNodes = (text: string) => {
    const { maxNodes: _, ...rest } = options.jsonData
    const maxNodes = Number(text)
    const isCount = Number.isInteger(maxNodes) && maxNodes >= 1
    onOptionsChange({ ...options, jsonData: isCount ? { ...rest, maxNodes } : rest })
  }
  return (
    <>
      <h3 className="page-heading">Flametrail</h3>
      <InlineField
        label="Token"
        labelWidth={26}
        tooltip="Of the scope read: flametrail token create --scope read. Empty if the backend listens on loopback without tokens."
      >
        <SecretInput
          width={40}
          aria-label="Token"
          placeholder="flt_…"
          isConfigured={options.secureJsonFields?.token === true}
          value={options.secureJsonData?.token ?? ''}
          onChange={(event) => setToken(event.currentTarget.value)}
          onReset={resetToken}
        />
      </InlineField>
      <InlineField
        label="Nodes per profile"
        labelWidth={26}
        tooltip="The heaviest nodes are sent; the rest is folded, with its exact value, and said so above the graph."
      >
        <Input
          width={40}
          type="number"
          min={1}
          aria-label="Nodes per profile"
          placeholder={String(MAX_NODES)}
          value={options.jsonData.maxNodes ?? ''}
          onChange={(event) => setMaxNodes(event.currentTarget.value)}
        />
      </InlineField>
      <DataSourceHttpSettings
        defaultUrl="http://localhost:4040"
        dataSourceConfig={options}
        onChange={onOptionsChange}
      />
    </>
  )
}
