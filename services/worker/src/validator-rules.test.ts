import fc from 'fast-check';
import { RULES_MAX, rulesOf } from './validator-rules.js';

const schema = (...rules: object[]) => ({
  failingDocumentId: 'x',
  details: { operatorName: '$jsonSchema', schemaRulesNotSatisfied: rules },
});
const property = (propertyName: string, ...details: object[]) => ({
  operatorName: 'properties',
  propertiesNotSatisfied: [{ propertyName, details }],
});
const tooLong = {
  operatorName: 'maxLength',
  specifiedAs: { maxLength: 64 },
  reason: 'specified string length was not satisfied',
  consideredValue: 'zqxvalue',
};

describe('the rules of a validator that refused a document', () => {
  it.each([
    ['a length, deep in the document', schema(property('attributes', property('title', tooLong))), ['attributes.title: maxLength 64']],
    [
      'a type',
      schema(
        property('account', {
          operatorName: 'bsonType',
          specifiedAs: { bsonType: 'string' },
          reason: 'type did not match',
          consideredValue: 7,
          consideredType: 'int',
        }),
      ),
      ['account: bsonType "string", got int'],
    ],
    [
      'attributes that are missing',
      schema(property('attributes', { operatorName: 'required', specifiedAs: { required: ['a', 'b'] }, missingProperties: ['a', 'b'] })),
      ['attributes: required a, b'],
    ],
    [
      'a list of values, which is not shown',
      schema(
        property(
          'attributes',
          property('title', { operatorName: 'enum', specifiedAs: { enum: ['zqxvalue'] }, consideredValue: 'zqxvalue' }),
        ),
      ),
      ['attributes.title: enum'],
    ],
    [
      'an element of an array',
      schema(property('emails', { operatorName: 'items', reason: 'x', itemIndex: 1, details: [property('value', tooLong)] })),
      ['emails.value: maxLength 64'],
    ],
    [
      'one of several schemas',
      schema({
        operatorName: 'anyOf',
        schemasNotSatisfied: [
          { index: 0, details: [property('a', tooLong)] },
          { index: 1, details: [property('b', tooLong)] },
        ],
      }),
      ['a: maxLength 64', 'b: maxLength 64'],
    ],
    [
      'a query operator',
      { details: { operatorName: '$ne', specifiedAs: { 'attributes.title': { $ne: 'zqxvalue' } }, consideredValue: 'zqxvalue' } },
      ['attributes.title: $ne'],
    ],
    [
      'clauses of a query',
      {
        details: {
          operatorName: '$and',
          clausesNotSatisfied: [
            {
              index: 1,
              details: { operatorName: '$regex', specifiedAs: { 'attributes.userName': { $regex: 'x' } }, consideredValue: 'zqxvalue' },
            },
          ],
        },
      },
      ['attributes.userName: $regex'],
    ],
    [
      'an expression',
      { details: { operatorName: '$expr', specifiedAs: { $expr: { $eq: ['zqxvalue', 1] } }, expressionResult: false } },
      ['$expr'],
    ],
    ['nothing, before MongoDB 5.0', undefined, []],
  ])('%s', (_, errInfo, rules) => {
    expect(rulesOf(errInfo)).toEqual(rules);
    expect(rulesOf(errInfo).join()).not.toContain('zqxvalue');
  });

  it('are found in whatever comes, in a bounded number, without a value that was considered', () => {
    const leaf = fc.record({ operatorName: fc.string(), consideredValue: fc.constant('zqxvalue'), reason: fc.constant('zqxvalue') });
    const names = ['details', 'schemaRulesNotSatisfied', 'propertiesNotSatisfied', 'clausesNotSatisfied', 'propertyName', 'operatorName'];
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'medium' },
        leaf,
        fc.dictionary(fc.constantFrom(...names), tie('node')),
        fc.array(tie('node'), { maxLength: 15 }),
      ),
    }));
    fc.assert(
      fc.property(node, (details) => {
        const rules = rulesOf({ details });
        expect(rules.length).toBeLessThanOrEqual(RULES_MAX);
        expect(rules.join()).not.toContain('zqxvalue');
      }),
    );
  });
});
