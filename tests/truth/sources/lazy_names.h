// Calls ONE(n) for 512 names.
#define TWO(n) ONE(n##0) ONE(n##1)
#define FOUR(n) TWO(n##0) TWO(n##1)
#define EIGHT(n) FOUR(n##0) FOUR(n##1)
#define SIXTEEN(n) EIGHT(n##0) EIGHT(n##1)
#define MANY(n) SIXTEEN(n##0) SIXTEEN(n##1)
MANY(a) MANY(b) MANY(c) MANY(d) MANY(e) MANY(f) MANY(g) MANY(h)
MANY(i) MANY(j) MANY(k) MANY(l) MANY(m) MANY(n) MANY(o) MANY(p)
