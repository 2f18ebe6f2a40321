import { page } from './page.js';

console.log(page('Built **once**, by `npm ci`.'));
