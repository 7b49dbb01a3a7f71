/** Names under which models keep their end-of-text token, the first found counts. */
export const END_OF_TEXT = ['<|endoftext|>', '<|end_of_text|>', '</s>'];
