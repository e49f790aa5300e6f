import { dueReminder, REMINDER_DAYS } from './reminders.js';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-06-01T00:00:00Z');
const token = (days: number, left: number) => ({
  createdAt: new Date(NOW.getTime() + (left - days) * DAY_MS),
  expiresAt: new Date(NOW.getTime() + left * DAY_MS),
});

describe('the reminder that is due', () => {
  it.each([
    [31, undefined],
    [30.01, undefined],
    [30, 30],
    [15, 30],
    [14, 14],
    [7.5, 14],
    [7, 7],
    [1.5, 7],
    [1, 1],
    [0.01, 1],
    [0, 0],
    [-5, 0],
  ])('of a year’s token with %p days left is the one of %p days', (left, due) => expect(dueReminder(token(365, left), NOW)).toBe(due));

  it.each([
    [10, 9.9, undefined],
    [10, 7, 7],
    [7, 6.9, undefined],
    [1, 0.9, undefined],
    [1, 0, 0],
  ])('of a token made for %p days, with %p left, is the one of %p days: none is given of more than it was made for', (days, left, due) =>
    expect(dueReminder(token(days, left), NOW)).toBe(due),
  );

  it('comes each once, in this order, as time passes', () => {
    const seen: (number | undefined)[] = [undefined];
    for (let hour = 0; hour <= 365 * 24 + 1; hour += 1) {
      const due = dueReminder(token(365, 365 - hour / 24), NOW);
      if (seen.at(-1) !== due) seen.push(due);
    }
    expect(seen).toEqual([undefined, ...REMINDER_DAYS]);
  });
});
