// Row a: stock Express with express.json(), which answers the body that it got. Nothing is kept.
import express from 'express';

const app = express();
app.use(express.json());
app.post('/Users', (request, response) => void response.json(request.body));
app.listen(Number(process.env.PORT), '127.0.0.1');
