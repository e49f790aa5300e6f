import { openStores } from '../support/stores.js';
import { createUser } from '../support/users.js';

it('creates', async () => {
  await using stores = await openStores();
  await stores.tenant('acme');
  const ran = await stores.run('acme', createUser('ada'));
  expect(ran.kind).toBe('ok');
});
