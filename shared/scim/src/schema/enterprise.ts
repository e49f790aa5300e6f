/** Enterprise User (RFC 7643 §4.3, §8.7.1). */
import { ENTERPRISE_URN } from '../urns.js';
import { defineSchema } from './definition.js';

export const ENTERPRISE = defineSchema({
  id: ENTERPRISE_URN,
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    { name: 'employeeNumber', description: 'The number or code by which the organization knows the person.' },
    { name: 'costCenter', description: 'The name of a cost center.' },
    { name: 'organization', description: 'The name of an organization.' },
    { name: 'division', description: 'The name of a division.' },
    { name: 'department', description: 'The name of a department.' },
    {
      name: 'manager',
      type: 'complex',
      description: "The person's manager.",
      subAttributes: [
        { name: 'value', description: "The id of the manager's User." },
        { name: '$ref', type: 'reference', referenceTypes: ['User'], description: "The URI of the manager's User." },
        // The manager isn't looked up.
        { name: 'displayName', mutability: 'readOnly', neverSet: true, description: "The manager's displayName." },
      ],
    },
  ],
});
