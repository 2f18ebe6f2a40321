import { marked } from 'marked';

/** A page of HTML from Markdown. */
export function page(markdown: string): string {
  return `<main>${marked.parse(markdown, { async: false })}</main>`.replace(/\n/g, '');
}
