// The backend wants a token: the one thing this form asks for. The backend keeps it in a cookie that no script can read.

import { css } from '@emotion/css'
import { Alert, Button, Field, Input } from '@grafana/ui'
import React, { type FormEvent, useState } from 'react'

export interface LoginProps {
  /** in  token as typed;  out  undefined when it was taken, else the backend's sentence */
  readonly onToken: (token: string) => Promise<string | undefined>
}

export function Login({ onToken }: LoginProps) {
  const [token, setToken] = useState('')
  const [refusal, setRefusal] = useState<string>()
  const [isAsking, setAsking] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setAsking(true)
    setRefusal(await onToken(token.trim()))
    setAsking(false)
  }
  return (
    <form className={formStyle} onSubmit={submit} data-testid="flametrail-login">
      <Field
        label="Token"
        description="This backend asks for a token with the scope read: flametrail token create --scope read"
      >
        <Input
          type="password"
          autoFocus
          autoComplete="off"
          aria-label="Token"
          placeholder="flt_…"
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
        />
      </Field>
      {refusal === undefined ? null : <Alert severity="error" title={refusal} />}
      <Button type="submit" disabled={token.trim() === '' || isAsking}>
        Open
      </Button>
    </form>
  )
}

const formStyle = css({ maxWidth: 480, margin: '12vh auto 0', padding: 16 })
