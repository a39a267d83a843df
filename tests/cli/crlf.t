Every line ends with CRLF; a CR alone and a missing last newline stay.

  $ printf 'a\nb\r\nc\rd\n\ne' | blaze crlf | od -c -An
     a  \r  \n   b  \r  \n   c  \r   d  \r  \n  \r  \n   e
  $ printf 'a\n' > lf && blaze crlf -o crlf lf && od -c -An crlf
     a  \r  \n
