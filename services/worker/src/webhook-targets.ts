// Which addresses the worker may post webhooks to.
import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Judges the targets of webhooks. An operator of the service enters them, and the worker stands inside its network: without this, a webhook could
 * reach databases, metadata services of a cloud, and the worker itself.
 *
 * A name is judged by every address that it has at the time of the connection (`lookup`), as a name may get another address at any time.
 */
export class WebhookTargets {
  readonly #all: boolean;
  readonly #hosts: ReadonlySet<string>;
  readonly #ranges: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][];

  /**
   * @param setting `WEBHOOK_PRIVATE_ADDRESSES`: `refuse`, `allow`, or host names, addresses and ranges that are allowed
   * @example new WebhookTargets('hooks.corp.example,10.20.0.0/16')
   */
  constructor(setting: string) {
    const entries = setting === 'refuse' || setting === 'allow' ? [] : setting.split(',').map((entry) => entry.trim());
    this.#all = setting === 'allow';
    this.#hosts = new Set(entries.filter((entry) => !isRange(entry)).map(plainName));
    this.#ranges = entries.filter(isRange).map((entry) => (entry.includes('/') ? ipaddr.parseCIDR(entry) : wholeOf(ipaddr.parse(entry))));
  }

  /**
   * What is wrong with a target, as far as its URL tells: the host is an address that is not public, or a name that only a private network resolves.
   * @returns undefined where nothing is wrong so far
   */
  fault(url: string): string | undefined {
    const host = hostOf(url);
    if (this.#all || this.#hosts.has(host)) return undefined;
    const isPrivate = ipaddr.isValid(host) ? !this.#allowsAddress(host) : isLocalName(host);
    return isPrivate ? `expected a public address; to post to ${host}, add it to WEBHOOK_PRIVATE_ADDRESSES` : undefined;
  }

  /** Resolves the host of a connection, for `http.request`. Fails with `PrivateAddress` where one of its addresses is not public. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      const refused = !this.#all && !this.#hosts.has(plainName(host)) && addresses.some(({ address }) => !this.#allowsAddress(address));
      const [first] = addresses;
      if (refused || first === undefined) return callback(new PrivateAddress(host), '');
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };

  #allowsAddress(text: string): boolean {
    const address = ipaddr.process(text); // IPv4 in IPv6 is judged as IPv4
    return isPublic(address) || this.#ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
  }
}

/** A name resolves to an address that is not public. */
export class PrivateAddress extends Error {
  override readonly name = 'PrivateAddress';
  constructor(host: string) {
    super(`${host} has an address that is not public`);
  }
}

/** Only what the internet routes to one host. What another address is wrapped in is judged by that. */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address instanceof ipaddr.IPv6 && address.match(NAT64, 96)) return isPublic(new ipaddr.IPv4(address.toByteArray().slice(12)));
  if (address instanceof ipaddr.IPv6 && !address.match(GLOBAL_UNICAST, 3)) return false;
  return address.range() === 'unicast' && !CLOUD_SERVICES.has(address.toString());
}

/** The well-known prefix of NAT64 (RFC 6052): in a network of IPv6 alone, public IPv4 hosts have such addresses. */
const NAT64 = ipaddr.IPv6.parse('64:ff9b::');
/** All of IPv6 that is routed on the internet; `ipaddr.js` calls more than that unicast, such as the IPv4-compatible `::7f00:1`. */
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');
/** A public address that every virtual machine of Azure reaches its host by. */
const CLOUD_SERVICES = new Set(['168.63.129.16']);

/** Names for private use (RFC 6761, 6762, 8375; ICANN's `.internal`), and names without a dot, which only a local resolver completes. */
const isLocalName = (host: string): boolean => !host.includes('.') || /\.(localhost|localdomain|local|internal|home\.arpa)$/.test(host);

const hostOf = (url: string): string => plainName(new URL(url).hostname.replace(/^\[(.*)\]$/, '$1'));
const plainName = (host: string): string => host.toLowerCase().replace(/\.$/, '');
const isRange = (entry: string): boolean => entry.includes('/') || ipaddr.isValid(entry);
const wholeOf = (address: ipaddr.IPv4 | ipaddr.IPv6): [ipaddr.IPv4 | ipaddr.IPv6, number] => [
  address,
  address.kind() === 'ipv4' ? 32 : 128,
];
