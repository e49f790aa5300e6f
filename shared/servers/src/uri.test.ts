import { withDatabase, withoutSecrets } from './uri.js';

describe('the database of a MongoDB URI', () => {
  it.each([
    ['mongodb://db:27017', 'mongodb://db:27017/rollcall'],
    ['mongodb://db:27017/', 'mongodb://db:27017/rollcall'],
    ['mongodb://a:1,b:2/?replicaSet=rs0', 'mongodb://a:1,b:2/rollcall?replicaSet=rs0'],
    ['mongodb://db/people?w=1', 'mongodb://db/people?w=1'],
    ['mongodb+srv://ada:p%40w@cluster.example.com', 'mongodb+srv://ada:p%40w@cluster.example.com/rollcall?authSource=admin'],
    ['mongodb://ada:pw@db/?authSource=people', 'mongodb://ada:pw@db/rollcall?authSource=people'],
    ['mongodb://ada@db/?authMechanism=MONGODB-X509', 'mongodb://ada@db/rollcall?authMechanism=MONGODB-X509'],
  ])('%s becomes %s', (uri, expected) => {
    expect(withDatabase(uri)).toBe(expected);
  });
});

it('a shown URL has no user, no password and no options', () => {
  expect(withoutSecrets('mongodb://ada:pw@db:27017/rollcall?tlsCertificateKeyFilePassword=x')).toBe('mongodb://db:27017/rollcall');
  expect(withoutSecrets('redis://:pw@127.0.0.1:6379/0')).toBe('redis://127.0.0.1:6379/0');
});
