# tls.sh - certificates for tests, made when they are needed.
# shellcheck shell=sh

ca() { # PATH: a CA of our own: PATH.pem, PATH.key
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
	    -nodes -keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$(basename "$1")" \
	    -addext 'basicConstraints=critical,CA:TRUE' 2>/dev/null
}

cert() { # CA PATH NAME: signed by it, for NAME as IP:127.0.0.1
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    -keyout "$2.key" -out "$2.csr" -subj /CN=test 2>/dev/null
	echo "subjectAltName=$3" >"$2.ext"
	openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" \
	    -CAcreateserial -days 2 -extfile "$2.ext" -out "$2.pem" 2>/dev/null
}
