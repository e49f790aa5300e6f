/** Changes of members that became visible at once, with the version that made them so. */
export interface PublishedStage {
  readonly stage: string;
  readonly version: number;
}

/** Reads a group's `stages`: `<stage>:<version>`, separated by spaces, oldest first. */
export const readStages = (text: string | null | undefined): readonly PublishedStage[] =>
  text
    ? text.split(' ').map((each) => {
        const [stage = '', version] = each.split(':');
        return { stage, version: Number(version) };
      })
    : [];
