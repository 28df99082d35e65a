import { expect, it } from 'vitest'
import { downloadAnswer } from './export.ts'

it('sends a file as a download that no browser runs, under a name that cannot leave its header', () => {
  const body = Uint8Array.of(1, 2)
  const answer = downloadAnswer({ name: 'a"b\r\nc/é.json', contentType: 'application/json', body })
  expect(answer).toEqual({
    status: 200,
    headers: {
      'content-type': 'application/json',
      'content-disposition': 'attachment; filename="a_b__c__.json"',
      'content-security-policy': "sandbox; default-src 'none'",
    },
    body,
  })
})
