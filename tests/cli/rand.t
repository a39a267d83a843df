Octets that follow from a seed.

  $ blaze rand --seed foo= 16
  D2siqCh23fV8x4fA9xm1Nw==
  $ blaze rand --seed foo= --hex 16
  0f6b22a82876ddf57cc787c0f719b537
  $ blaze rand --seed foo= --base64 16
  D2siqCh23fV8x4fA9xm1Nw==
  $ blaze rand --seed foo= --raw 16 | od -An -tx1
   0f 6b 22 a8 28 76 dd f5 7c c7 87 c0 f7 19 b5 37
  $ blaze rand --seed foo= --hex 0
  $ blaze rand --seed foo= 200000 | base64 -d | wc -c
  200000
  $ blaze rand --seed 'not base64' 16
  blaze rand: the seed is not base64: not base64
  [2]
  $ blaze rand 16
  blaze rand: missing option '--seed'
  Try 'blaze rand --help'.
  [2]
  $ blaze rand --seed foo= -- -1
  blaze rand: invalid value for 'LENGTH': '-1' is no whole number from 0 on
  Try 'blaze rand --help'.
  [2]
