// Evaluates expressions of action.yml with GitHub's own evaluator. Arguments: the expression without ${{ }}, the contexts as JSON.
import { Evaluator, Lexer, Parser, data } from '@actions/expressions';

const contexts = JSON.parse(process.argv[3]);
const toData = (value) => {
  if (value !== null && typeof value === 'object') {
    const dictionary = new data.Dictionary();
    for (const [key, inner] of Object.entries(value)) dictionary.add(key, toData(inner));
    return dictionary;
  }
  return new data.StringData(String(value));
};
const { tokens } = new Lexer(process.argv[2]).lex();
const tree = new Parser(tokens, Object.keys(contexts), []).parse();
console.log(new Evaluator(tree, toData(contexts)).evaluate().coerceString());
