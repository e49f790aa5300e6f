import { lookup as resolve } from 'node:dns';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { WebhookTargets } from './webhook-targets.js';

const refused = [
  ...['http://127.0.0.1:6379/', 'http://localhost/', 'http://api.localhost/', 'http://[::1]/', 'http://0.0.0.0/', 'http://[::]/'],
  ...['http://169.254.169.254/latest/meta-data/', 'http://[fd00:ec2::254]/', 'http://metadata.google.internal/', 'http://metadata/'],
  ...['http://[::ffff:127.0.0.1]/', 'http://[::ffff:a00:1]/', 'http://[::127.0.0.1]/', 'http://2130706433/', 'http://0x7f.1/'],
  ...['http://017700000001/', 'http://127.1/', 'http://10.0.0.1/', 'http://172.31.255.255/', 'http://192.168.0.1/', 'http://100.64.0.1/'],
  ...['http://[fe80::1]/', 'http://[64:ff9b::7f00:1]/', 'http://[64:ff9b:1::8.8.8.8]/', 'http://[2002:7f00:1::]/', 'http://[2001::1]/'],
  ...['http://224.0.0.1/', 'http://255.255.255.255/', 'http://[ff02::1]/', 'http://192.0.2.1/', 'http://168.63.129.16/', 'http://redis/'],
  ...['http://printer.local/', 'http://nas.home.arpa/', 'http://LOCALHOST./', 'http://127.0.0.1./'],
];
const taken = [
  ...['https://hooks.example.com/x', 'http://8.8.8.8/', 'http://[2606:4700::1111]/', 'http://[64:ff9b::8.8.8.8]/'],
  ...['http://[::ffff:8.8.8.8]/', 'http://localhost.example.com/', 'http://134744072/'],
];

describe('the target of a webhook', () => {
  it.each(refused)('%s is refused by its URL, and taken where private addresses are allowed', (url) => {
    expect(new WebhookTargets('refuse').fault(url)).toContain('WEBHOOK_PRIVATE_ADDRESSES');
    expect(new WebhookTargets('allow').fault(url)).toBeUndefined();
  });

  it.each(taken)('%s is taken', (url) => {
    expect(new WebhookTargets('refuse').fault(url)).toBeUndefined();
  });

  it('that is listed is taken, by name, by address, by range, and no other', () => {
    const targets = new WebhookTargets('Hooks.Corp.internal, 10.20.0.0/16, fd00:1::/32, 127.0.0.1');
    const listed = [
      'http://hooks.corp.internal/x',
      'http://10.20.30.40/',
      'http://[fd00:1::7]/',
      'http://127.0.0.1:9/',
      'http://[::ffff:10.20.0.1]/',
    ];
    for (const url of listed) expect([url, targets.fault(url)]).toEqual([url, undefined]);
    for (const url of ['http://x.hooks.corp.internal/', 'http://10.21.0.1/', 'http://[fd00:2::7]/', 'http://127.0.0.2/'])
      expect([url, targets.fault(url)]).toEqual([url, expect.any(String)]);
  });

  it('is judged alike in each spelling of an IPv4 address', () => {
    const targets = new WebhookTargets('refuse');
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const whole = ((a * 256 + b) * 256 + c) * 256 + d;
        const plain = targets.fault(`http://${address}/`) === undefined;
        const spelled = [`${whole}`, `0x${whole.toString(16)}`, `${a}.${b}.${c * 256 + d}`, `[::ffff:${address}]`, `[64:ff9b::${address}]`];
        expect(spelled.map((host) => targets.fault(`http://${host}/`) === undefined)).toEqual(spelled.map(() => plain));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the addresses of a name', () => {
  const addressesOf = (targets: WebhookTargets, all: boolean): Promise<unknown> =>
    new Promise((done, fail) => targets.lookup('localhost', { all }, (error, address) => (error ? fail(error) : done(address))));

  // The URL alone was judged: a name that resolves to the worker's own host, or to Redis, was posted to.
  it('are refused when the connection is made, where one of them is not public', async () => {
    for (const all of [true, false])
      await expect(addressesOf(new WebhookTargets('refuse'), all)).rejects.toMatchObject({ name: 'PrivateAddress' });
  });

  it.each(['allow', 'localhost', '127.0.0.0/8,::1'])('are given to the connection where they are allowed: %s', async (setting) => {
    const known = await promisify(resolve)('localhost', { all: true });
    expect(await addressesOf(new WebhookTargets(setting), true)).toEqual(known);
    expect(await addressesOf(new WebhookTargets(setting), false)).toBe(known[0]!.address);
  });
});
