import { faultOfHead, HEADERS_MAX, isHost, targetOf } from './request-head.js';

const headers = (count: number) => Array.from({ length: count }, (_, at) => [`X-${at}`, 'x']).flat();
const head = (...pairs: string[]) => ({ rawHeaders: pairs, url: '/' });

describe("a request's head", () => {
  it('has at most a hundred headers, then it is 431, whichever is the last', () => {
    expect(faultOfHead(head('Host', 'a', ...headers(HEADERS_MAX - 1)))).toBeUndefined();
    expect(faultOfHead(head('Host', 'a', ...headers(HEADERS_MAX)))).toMatchObject({ status: 431, reason: 'too_many_headers' });
  });

  it.each([
    [['Host', 'a', 'Host', 'a'], 'host_repeated'],
    [['host', 'a', 'X', 'y', 'HOST', 'b'], 'host_repeated'],
    [['Host', '..'], 'host_invalid'],
  ])('with the Host headers %j is 400', (pairs, reason) => {
    expect(faultOfHead(head(...pairs))).toMatchObject({ status: 400, reason });
  });

  it('may have an empty Host, or none (HTTP/1.0)', () => {
    expect(faultOfHead(head('Host', ''))).toBeUndefined();
    expect(faultOfHead(head())).toBeUndefined();
  });

  it('may name the host in its target, which is judged, too', () => {
    expect(faultOfHead({ rawHeaders: ['Host', 'a'], url: 'http://scim.example:8080/x' })).toBeUndefined();
    expect(faultOfHead({ rawHeaders: ['Host', 'a'], url: 'http://u:p@scim.example/x' })).toMatchObject({ reason: 'host_invalid' });
  });
});

describe('a host', () => {
  it.each([
    'a',
    'a.',
    'scim.example',
    'scim_1.example:8080',
    '192.0.2.1:65535',
    '[::1]',
    '[2001:db8::1]:443',
    'a:',
    'xn--bcher-kva.example',
  ])('can be %s', (text) => expect(isHost(text)).toBe(true));
  it.each([
    '..',
    '.',
    'a..b',
    '.a',
    'a:65536',
    'a:99999',
    'a:x',
    'a b',
    'a/b',
    'a"b',
    'a@b',
    '[::1',
    '[:::]',
    '[1.2.3.4]',
    'a,b',
    'é',
    'x'.repeat(301),
  ])('can not be %s', (text) => expect(isHost(text)).toBe(false));
});

describe('a target', () => {
  it.each([
    ['/scim/v2/Users?count=1', '/scim/v2/Users?count=1', undefined],
    ['http://scim.example/scim/v2/Users?count=1', '/scim/v2/Users?count=1', 'scim.example'],
    ['HTTPS://scim.example:8443', '/', 'scim.example:8443'],
    ['http://scim.example?x=1', '/?x=1', 'scim.example'],
    ['//scim.example/x', '//scim.example/x', undefined],
    ['*', '*', undefined],
  ])('%s is the path %s', (url, path, host) => expect(targetOf(url)).toEqual({ path, host }));
});
