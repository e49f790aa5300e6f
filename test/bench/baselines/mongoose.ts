// Row c: what one would write first. Express and mongoose; each create is answered once a majority has it in its journal.
import express from 'express';
import mongoose from 'mongoose';

const schema = new mongoose.Schema(
  {
    tenant: { type: String, required: true },
    userName: { type: String, required: true },
    externalId: String,
    name: { givenName: String, familyName: String },
    emails: [{ _id: false, value: String, type: { type: String }, primary: Boolean }],
    displayName: String,
    locale: String,
    active: { type: Boolean, default: true },
  },
  { timestamps: true, writeConcern: { w: 'majority', j: true } },
);
schema.index({ tenant: 1, userName: 1 }, { unique: true });
const User = mongoose.model('User', schema);

await mongoose.connect(process.env.MONGODB_URI ?? '');
await User.init(); // its indexes are there

const app = express();
app.use(express.json());
app.post('/Users', async (request, response) => {
  try {
    const user = await User.create({ ...request.body, tenant: 'bench' });
    response.status(201).json(user);
  } catch (error) {
    const taken = error instanceof mongoose.mongo.MongoServerError && error.code === 11000;
    response.status(taken ? 409 : 500).json({ message: taken ? 'the userName is taken' : 'something went wrong' });
  }
});
app.listen(Number(process.env.PORT), '127.0.0.1');
