/** The middle of some figures, the upper one of two. */
export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
