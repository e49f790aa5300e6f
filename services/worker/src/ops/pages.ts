// The few pages that are not Bull Board's: plain HTML, no script.
import type { Attention } from '../attention.js';

interface Html {
  readonly html: string;
}

export function signInPage({ next, message, open }: { next: string; message?: string; open: boolean }): string {
  const form = html`<form method="post" action="/sign-in">
    <input type="hidden" name="next" value="${next}">
    <label for="token">Operator token</label>
    <input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
    <button>Sign in</button>
  </form>`;
  const closed = html`<p>Operator sign-in is closed. Set <code>ROLLCALL_OPERATOR_TOKEN</code> to open it.</p>`;
  return page('Sign in', html`${message ? html`<p role="alert">${message}</p>` : ''}${open ? form : closed}`);
}

/** Every tenant with pending changes, dead letters or undecided people. */
export function attentionPage({ tenants, unknown, isPaused }: Pick<Attention, 'tenants' | 'unknown' | 'isPaused'>): string {
  const rows = tenants.map(
    ({ tenant, pending, oldestPending_ms, dead, undecided = 'not known' }) =>
      html`<tr><td>${tenant}</td><td>${pending}</td><td>${(oldestPending_ms / 1_000).toFixed(1)} s</td><td>${dead}</td><td>${undecided}</td></tr>`,
  );
  const table = html`<table>
    <thead><tr><th>tenant</th><th>pending</th><th>oldest</th><th>dead letters</th><th>undecided people</th></tr></thead>
    <tbody>${rows}</tbody>
  </table>`;
  const none = unknown.length === 0 ? html`<p>No tenant has pending changes, dead letters or undecided people.</p>` : '';
  return page(
    'Tenants that need attention',
    html`<nav><a href="/queues">Queues</a> <a href="/admin/v1/dead-letters">Dead letters (JSON)</a> <a href="/admin/v1/backlog">Backlog (JSON)</a></nav>
    ${unknown.length === 0 ? '' : html`<p role="alert">Not known, as a store does not answer: ${unknown.join(', ')}. See <a href="/readyz">/readyz</a>.</p>`}
    ${isPaused ? html`<p role="alert">An operator has paused the queue: only leavers are applied.</p>` : ''}
    ${tenants.length === 0 ? none : table}
    <form method="post" action="/sign-out"><button>Sign out</button></form>`,
    5,
  );
}

function page(title: string, body: Html, refresh_s?: number): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
${refresh_s === undefined ? '' : html`<meta http-equiv="refresh" content="${refresh_s}">`}
<title>${title} – rollcall</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:3rem auto;padding:0 1rem}td,th{padding:.2rem 1rem .2rem 0;text-align:left}
label{display:block}input{font:inherit;width:20rem;max-width:100%}button{font:inherit}nav a{margin-right:1rem}[role=alert]{color:#b00}</style>
</head><body><h1>${title}</h1>${body}</body></html>`.html;
}

type Hole = string | number | Html | readonly Html[];

/** Escapes everything that is filled in, unless it is HTML of our own. */
function html(parts: TemplateStringsArray, ...holes: readonly Hole[]): Html {
  return { html: parts.reduce((text, part, at) => text + filled(holes[at - 1] ?? '') + part) };
}

function filled(hole: Hole): string {
  if (typeof hole === 'string' || typeof hole === 'number') return String(hole).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return 'html' in hole ? hole.html : hole.map((one) => one.html).join('');
}
