import { describe, expect, it } from 'vitest'
import { familyNameOf, nameInEnviron, scriptName, serviceNameOf, unitName } from './service-name.ts'

const nul = (...words: string[]) => new TextEncoder().encode(`${words.join('\0')}\0`)

describe('serviceNameOf', () => {
  const nothing = { environ: undefined, commandLine: undefined, cgroup: undefined, executable: '' }

  it('takes the first that tells: environment, script, unit, executable', () => {
    const all = {
      environ: nul('A=1', 'OTEL_SERVICE_NAME=shop'),
      commandLine: nul('python3', '/srv/cart.py'),
      cgroup: '0::/system.slice/cart.service',
      executable: 'python3',
    }
    expect(serviceNameOf(all)).toBe('shop')
    expect(serviceNameOf({ ...all, environ: undefined })).toBe('cart.py')
    expect(serviceNameOf({ ...all, environ: nul('A=1'), commandLine: nul('python3') })).toBe('cart')
    expect(serviceNameOf({ ...nothing, executable: 'python3' })).toBe('python3')
    expect(serviceNameOf(nothing)).toBe('')
  })

  it('cleans and cuts names that strangers chose', () => {
    const long = serviceNameOf({
      ...nothing,
      environ: nul(`OTEL_SERVICE_NAME=\u001b[31m${'x'.repeat(1000)}`),
    })
    expect(long.startsWith('?[31mxxx')).toBe(true)
    expect(long.length).toBe(255)
  })
})

describe('familyNameOf', () => {
  it('is what children have too: the name in the environment, then the unit; never script or executable', () => {
    const all = {
      environ: nul('OTEL_SERVICE_NAME=shop'),
      commandLine: nul('python3', '/srv/cart.py'),
      cgroup: '0::/system.slice/cart.service',
      executable: 'python3',
    }
    expect(familyNameOf(all)).toBe('shop')
    expect(familyNameOf({ ...all, environ: undefined })).toBe('cart')
    expect(familyNameOf({ ...all, environ: nul('A=1'), cgroup: undefined })).toBe('')
  })
})

describe('nameInEnviron', () => {
  it.each([
    ['OTEL_SERVICE_NAME=a', 'a'],
    ['OTEL_SERVICE_NAME= ', ''],
    ['OTEL_RESOURCE_ATTRIBUTES=deployment=x,service.name=b%20c,y=z', 'b c'],
    ['OTEL_RESOURCE_ATTRIBUTES=service.name=%zz', '%zz'],
    ['OTEL_RESOURCE_ATTRIBUTES=service.namespace=b', ''],
    ['OTEL_RESOURCE_ATTRIBUTES=', ''],
    ['XOTEL_SERVICE_NAME=a', ''],
    ['SECRET=OTEL_SERVICE_NAME=a', ''],
  ])('reads %s as %j', (variable, name) => {
    expect(nameInEnviron(nul('PATH=/bin', variable, 'HOME=/'))).toBe(name)
  })

  it('prefers the direct variable, whatever the order', () => {
    expect(nameInEnviron(nul('OTEL_RESOURCE_ATTRIBUTES=service.name=a', 'OTEL_SERVICE_NAME=b'))).toBe('b')
  })

  it('reads an environment that was cut in the middle of a word', () => {
    expect(nameInEnviron(new TextEncoder().encode('A=1\0OTEL_SERVICE_NA'))).toBe('')
    expect(nameInEnviron(new TextEncoder().encode('OTEL_SERVICE_NAME=ab'))).toBe('ab')
    expect(nameInEnviron(new Uint8Array())).toBe('')
  })
})

describe('scriptName', () => {
  it.each([
    ['python3.11', '-u /srv/app.py --token secret', 'app.py'],
    ['python3', '-W ignore -m http.server 80', 'http.server'],
    ['python3', '-c print(1)', ''],
    ['python3', '', ''],
    ['node', '--max-old-space-size=9 -r ./hook.js server.mjs', 'server.mjs'],
    ['node', '-e while(1);', ''],
    ['ruby', '-I lib bin/web', 'web'],
    ['perl', '-w /opt/x.pl', 'x.pl'],
    ['php8.2', '-f /srv/i.php', 'i.php'],
    ['php', '-S 0.0.0.0:80 router.php', 'router.php'],
    ['java', '-Xmx1g -cp a.jar:b.jar -jar /opt/shop.jar prod', 'shop.jar'],
    ['java', '-cp a.jar com.shop.Main', 'com.shop.Main'],
    ['bash', '-o pipefail run.sh', 'run.sh'],
    ['sh', '-c sleep', ''],
    ['bash', '-- -odd.sh', '-odd.sh'],
    ['nginx', '-c /etc/nginx.conf', ''],
    ['python3', '-m', ''],
  ])('%s %s runs %j', (executable, args, script) => {
    expect(scriptName(executable, args === '' ? [] : args.split(' '))).toBe(script)
  })
})

describe('unitName', () => {
  const id = 'ab'.repeat(32)
  it.each([
    ['0::/system.slice/nginx.service\n', 'nginx'],
    ['12:cpu:/\n1:name=systemd:/system.slice/cron.service\n', 'cron'],
    ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service', 'app-x'],
    ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte.scope', ''],
    ['0::/user.slice/user-0.slice/session-1.scope', ''],
    [`0::/system.slice/docker-${id}.scope`, ''],
    [`0::/system.slice/containerd.service/kubepods/pod1/${id}`, ''],
    ['0::/', ''],
    ['', ''],
    ['nonsense', ''],
  ])('%j belongs to unit %j', (cgroup, unit) => {
    expect(unitName(cgroup)).toBe(unit)
  })
})
