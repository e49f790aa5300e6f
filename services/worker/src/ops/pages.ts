// The few pages that are not Bull Board's: plain HTML, no script.
import type { TenantBacklog } from '@rollcall/store';

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

/** Per tenant: what its job drains, and how much is left. */
export function tenantsPage(tenants: readonly TenantBacklog[]): string {
  const rows = tenants.map(
    ({ tenant, pending, oldestPending_ms, dead }) =>
      html`<tr><td>${tenant}</td><td>${pending}</td><td>${(oldestPending_ms / 1_000).toFixed(1)} s</td><td>${dead}</td></tr>`,
  );
  const table = html`<table>
    <thead><tr><th>tenant</th><th>left</th><th>oldest</th><th>dead letters</th></tr></thead>
    <tbody>${rows}</tbody>
  </table>`;
  return page(
    'Tenants',
    html`<nav><a href="/queues">Queues</a> <a href="/admin/v1/dead-letters">Dead letters (JSON)</a> <a href="/admin/v1/backlog">Backlog (JSON)</a></nav>
    <p>A tenant’s job in the queue <code>apply</code> drains what the tenant has pending, a batch at a time.</p>
    ${tenants.length === 0 ? html`<p>Nothing is pending.</p>` : table}
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
