import { randomBytes } from 'node:crypto';
import { TransientError } from '@rollcall/directory';
import { type MongoLink, onMongo } from '@rollcall/store';

/**
 * The deployment's own secret, made once and the same for all replicas: what one signs another believes. It is kept in MongoDB, and read once.
 * Nothing that is stored depends on it.
 */
export class DeploymentSecret {
  #secret: Promise<Buffer> | undefined;

  constructor(readonly mongo: MongoLink) {}

  /** @throws TransientError while MongoDB is away and the secret was not read before */
  get(): Promise<Buffer> {
    this.#secret ??= this.#read().catch((error) => {
      this.#secret = undefined;
      throw error;
    });
    return this.#secret;
  }

  async #read(): Promise<Buffer> {
    const deployment = this.mongo.collection('deployment');
    const found = await onMongo(deployment.findOne({ _id: 'deployment' }));
    if (found?.secret !== undefined) return Buffer.from(found.secret, 'base64');
    const secret = randomBytes(32).toString('base64');
    await onMongo(deployment.updateOne({ _id: 'deployment', secret: { $exists: false } }, { $set: { secret } }));
    // Whoever was first has made it.
    const made = await onMongo(deployment.findOne({ _id: 'deployment' }));
    if (made?.secret === undefined) throw new TransientError('the deployment is not known to MongoDB yet', { away: 'mongodb' });
    return Buffer.from(made.secret, 'base64');
  }
}
