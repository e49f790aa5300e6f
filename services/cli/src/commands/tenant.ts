import { type Command, type Given, needed, text, whole } from '../command.js';
import { trailRow } from '../history.js';

const COLUMNS = ['id', 'name', 'status', 'source', 'createdAt'];
const at = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}`;

export const tenantCommands: readonly Command[] = [
  {
    usage: 'tenant list',
    summary: 'list all tenants',
    run: async (_, { api, out }) => {
      out.table(await (await api()).list('/tenants'), COLUMNS, 'No tenants yet: rollcall tenant create <tenant>');
      return 0;
    },
  },
  {
    usage: 'tenant create <tenant>',
    summary: 'create a tenant: one customer with its own identity provider',
    options: [
      ['--name <name>', 'what people call it'],
      ['--source <source>', 'who provisions it: scim, directory or manual'],
      ['--identity <attribute>', 'how a returning user is matched to an account: email or userPrincipalName'],
      ['--webhook <url>', 'where reminders of expiry are posted'],
    ],
    run: async (given, { api, out }) => {
      const [name, source, identity, webhook] = [
        text(given, 'name'),
        text(given, 'source'),
        text(given, 'identity'),
        text(given, 'webhook'),
      ];
      const settings = { ...(identity ? { identityAttribute: identity } : {}), ...(webhook ? { webhook: { url: webhook } } : {}) };
      const made = await (await api()).ask('POST', '/tenants', {
        id: needed(given, 'tenant'),
        ...(name === undefined ? {} : { name }),
        ...(source === undefined ? {} : { source }),
        settings,
      });
      out.show(made, { hint: `Next: rollcall token create ${needed(given, 'tenant')} --name <identity provider>` });
      return 0;
    },
  },
  {
    usage: 'tenant show <tenant>',
    summary: 'show a tenant and its settings',
    run: async (given, { api, out }) => {
      out.show(await (await api()).ask('GET', at(given)));
      return 0;
    },
  },
  {
    usage: 'tenant set <tenant>',
    summary: 'change a tenant',
    options: [
      ['--name <name>', 'what people call it'],
      ['--identity <attribute>', 'how a returning user is matched to an account: email or userPrincipalName'],
      ['--external-id <what>', 'how far an externalId tells people apart: auto, stable or unstable'],
      ['--recycled <what>', 'what becomes of a userName and address under another externalId: reactivate, refuse or separate'],
      ['--adoption <what>', 'what becomes of the address alone of an account made by hand: auto, adopt, ask or never'],
      ['--unknown-attributes <what>', 'what becomes of an attribute that no schema has: ignore or refuse'],
      ['--group-names <what>', 'whether each group has a name of its own: unique or shared'],
      ['--unknown-members <what>', 'what becomes of a member that is not there: refuse, keep or skip'],
      ['--group-cycles <what>', 'whether a group may come to be in itself: accept or refuse'],
      ['--user-groups <what>', 'which groups a user shows: direct, or all, those of its groups too'],
      ['--members-answered <count>', 'up to how many members a PATCH on a group answers with the group; 1000 where it was never set'],
      ['--webhook <url>', 'where reminders of expiry are posted; none: nowhere'],
    ],
    run: async (given, { api, out }) => {
      const [name, identity, recycled, webhook] = ['name', 'identity', 'recycled', 'webhook'].map((option) => text(given, option));
      const [groupNames, unknownMembers, groupCycles, userGroups] = ['group-names', 'unknown-members', 'group-cycles', 'user-groups'].map(
        (option) => text(given, option),
      );
      const unknownAttributes = text(given, 'unknown-attributes');
      const [externalId, adoption] = [text(given, 'external-id'), text(given, 'adoption')];
      const membersAnsweredMax = whole(given, 'members-answered', { most: 100_000 });
      const settings = {
        ...(identity ? { identityAttribute: identity } : {}),
        ...(externalId ? { externalId } : {}),
        ...(recycled ? { recycledIdentity: recycled } : {}),
        ...(adoption ? { adoption } : {}),
        ...(unknownAttributes ? { unknownAttributes } : {}),
        ...(groupNames ? { groupNames } : {}),
        ...(userGroups ? { userGroups } : {}),
        ...(groupCycles ? { groupCycles } : {}),
        ...(unknownMembers ? { unknownMembers } : {}),
        ...(membersAnsweredMax === undefined ? {} : { membersAnsweredMax }),
        ...(webhook ? { webhook: webhook === 'none' ? null : { url: webhook } } : {}),
      };
      out.show(await (await api()).ask('PATCH', at(given), { ...(name ? { name } : {}), settings }));
      return 0;
    },
  },
  ...(['suspend', 'resume'] as const).map(
    (what): Command => ({
      usage: `tenant ${what} <tenant>`,
      summary: what === 'suspend' ? 'answer SCIM with 403 until the tenant is resumed' : 'end a suspension, or take a deletion back',
      run: async (given, { api, out }) => {
        const tenant = await (await api()).ask('POST', `${at(given)}/${what}`);
        out.done(`${needed(given, 'tenant')} is ${String(tenant.status)}.`, tenant);
        return 0;
      },
    }),
  ),
  {
    usage: 'tenant delete <tenant>',
    summary: 'begin to delete a tenant, or confirm it: nothing is removed before the grace period is over',
    options: [
      ['--grace-hours <hours>', 'how long the deletion can be taken back; a week if left out'],
      ['--confirm <word>', 'the word that the first step answered'],
    ],
    run: async (given, { api, out }) => {
      const [hours, confirm] = [whole(given, 'grace-hours', { most: 2_160 }), text(given, 'confirm')];
      if (confirm !== undefined) {
        out.show(await (await api()).ask('POST', `${at(given)}/purge`, { confirm }), {
          hint: `To take it back until then: rollcall tenant resume ${needed(given, 'tenant')}`,
        });
        return 0;
      }
      const begun = await (await api()).ask('DELETE', `${at(given)}${hours === undefined ? '' : `?graceHours=${hours}`}`);
      out.show(begun, {
        hint: `SCIM answers 403 now. To have it removed: rollcall tenant delete ${needed(given, 'tenant')} --confirm ${String(begun.confirm)}`,
      });
      return 0;
    },
  },
  {
    usage: 'tenant audit <tenant>',
    summary: 'show who changed what, the newest first',
    options: [
      ['--account <id>', 'only what is about this account'],
      ['--limit <count>', 'how many; 50 if left out'],
    ],
    run: async (given, { api, out }) => {
      const [account, limit] = [text(given, 'account'), whole(given, 'limit', { least: 1, most: 100_000 }) ?? 50];
      const lines = await (await api()).list(
        `${at(given)}/audit${account === undefined ? '' : `?account=${encodeURIComponent(account)}`}`,
        limit,
      );
      out.table(out.json ? lines : lines.map(trailRow), ['at', 'who', 'action', 'target', 'changes'], 'Nothing was changed yet.');
      return 0;
    },
  },
];
