"""Names that others are made to look like: the much used packages of each registry, and honest neighbours.

A name that stands here is never taken for another one. So the lists also hold well-known packages whose names
are close to those of others (`preact`, `colors`); they are chosen by hand and need not be complete.
"""

from __future__ import annotations

from collections.abc import Mapping

_PYPI = """
aiohttp alembic anthropic argcomplete asyncpg attrs babel beautifulsoup4 black boto3 botocore bottle
cachetools celery certifi cffi chardet charset-normalizer click cloudpickle colorama coverage
cryptography cython dateparser django django-cors-headers djangorestframework dnspython docker docutils
fastapi filelock flake8 flask flask-cors flask-sqlalchemy fsspec gevent gitpython google-auth greenlet
grpcio gunicorn h11 httpcore httplib2 httptools httpx hypothesis idna importlib-metadata ipython isort
itsdangerous jinja2 joblib jsonschema jupyter keyring kubernetes langchain levenshtein loguru lxml
markdown markupsafe marshmallow matplotlib mongoengine msgpack multidict mypy mysqlclient networkx nltk
notebook numba numpy oauthlib openai opencv-python openpyxl orjson packaging pandas paramiko passlib
peewee pillow pip platformdirs plotly pluggy poetry prometheus-client protobuf psutil psycopg2
psycopg2-binary pyaml pyarrow pyasn1 pycparser pycryptodome pydantic pydantic-core pygments pyjwt pylint
pymongo pymssql pymysql pynacl pyopenssl pyparsing pytest pytest-asyncio pytest-cov pytest-mock
pytest-xdist python-dateutil python-dotenv python-multipart pytoml pytz pyyaml pyzmq redis regex request
requests requests-oauthlib rich rsa ruamel-yaml ruff s3fs s3transfer scikit-learn scipy seaborn selenium
sentry-sdk setuptools simplejson six slack-sdk soupsieve sphinx sqlalchemy sqlmodel sqlparse starlette
structlog sympy tabulate tenacity tensorboard tensorflow termcolor toml tomli tomlkit torch torchvision
tornado tox tqdm transformers twisted typer types-requests typing-extensions tzdata ujson urllib3 uvicorn
uvloop virtualenv watchdog websocket-client websockets werkzeug wheel wrapt xgboost yarl zipp
"""
_NPM = """
@angular/core @babel/core @babel/preset-env @types/node @types/react @typescript-eslint/parser angular
ansi-styles async autoprefixer aws-sdk axios babel-core babel-loader bcrypt bcryptjs bluebird body-parser
bootstrap bower browserify chai chain chalk cheerio chokidar classnames cli-table clone color colors
commander compression concurrently connect cookie-parser core-js cors cross-env cross-spawn crypto-js
css-loader d3 date-fns dayjs debug discord.js dotenv ejs electron esbuild eslint eslint-plugin-react
event-stream execa express express-session fastify file-loader firebase form-data fs-extra glob graphql
grunt gulp handlebars helmet highlight.js html-webpack-plugin http-proxy husky immer immutable inquirer
ioredis jest joi jquery js-yaml jsdom jsonwebtoken karma knex koa less lodash lodash.merge lru-cache
luxon marked material-ui minimatch minimist mkdirp mocha moment mongodb mongoose morgan mssql multer
mysql mysql2 nanoid next node-fetch node-sass nodemailer nodemon nuxt ora passport pino playwright
postcss preact prettier prisma prop-types puppeteer qs query-string ramda react react-dom react-redux
react-router react-router-dom react-scripts readable-stream redis redux redux-thunk reflux request
resolve rimraf rollup rxjs safe-buffer sass semver sequelize server sharp shelljs sinon slate socket.io
socket.io-client source-map string-width strip-ansi styled-components superagent supertest svelte
tailwindcss terser three through2 tracer ts-jest ts-loader ts-node tslib tslint turbo typeorm typescript
uglify-js underscore undici uuid validator vite vitest vue vue-router vuex webpack webpack-cli
webpack-dev-server winston ws xml2js yargs yarn yup zod zone.js
"""
_GO = """
github.com/aws/aws-sdk-go github.com/aws/aws-sdk-go-v2 github.com/burntsushi/toml
github.com/cenkalti/backoff github.com/davecgh/go-spew github.com/docker/docker github.com/fatih/color
github.com/fsnotify/fsnotify github.com/gin-gonic/gin github.com/go-chi/chi github.com/go-chi/chi/v5
github.com/go-redis/redis github.com/go-sql-driver/mysql github.com/gofiber/fiber
github.com/gogo/protobuf github.com/golang-jwt/jwt github.com/golang-jwt/jwt/v5 github.com/golang/mock
github.com/golang/protobuf github.com/google/go-cmp github.com/google/uuid github.com/gorilla/mux
github.com/gorilla/websocket github.com/grpc-ecosystem/grpc-gateway github.com/hashicorp/vault
github.com/jackc/pgx github.com/jackc/pgx/v5 github.com/jmoiron/sqlx github.com/joho/godotenv
github.com/labstack/echo github.com/labstack/echo/v4 github.com/lib/pq github.com/mattn/go-sqlite3
github.com/mitchellh/mapstructure github.com/onsi/ginkgo github.com/onsi/gomega github.com/pkg/errors
github.com/prometheus/client_golang github.com/redis/go-redis github.com/redis/go-redis/v9
github.com/rs/zerolog github.com/sirupsen/logrus github.com/spf13/cobra github.com/spf13/pflag
github.com/spf13/viper github.com/stretchr/testify github.com/urfave/cli github.com/urfave/cli/v2
github.com/valyala/fasthttp go.mongodb.org/mongo-driver go.opentelemetry.io/otel go.uber.org/zap
golang.org/x/crypto golang.org/x/exp golang.org/x/net golang.org/x/oauth2 golang.org/x/sync
golang.org/x/sys golang.org/x/text golang.org/x/time golang.org/x/tools google.golang.org/grpc
google.golang.org/protobuf gopkg.in/yaml.v2 gopkg.in/yaml.v3 gorm.io/gorm k8s.io/api k8s.io/apimachinery
k8s.io/client-go
"""
_CRATES = """
actix-web aho-corasick anyhow async-trait axum base64 bincode bitflags bytes cfg-if chrono clap
clap_derive criterion crossbeam crossbeam-channel crossbeam-utils diesel either env_logger fastrand
flate2 futures futures-util getrandom hashbrown heck hyper hyper-util indexmap indicatif itertools itoa
lazy_static libc libloading log memchr mio nix num-traits num_cpus once_cell openssl parking_lot
pin-project prost quote rand rand_chacha rand_core rayon regex reqwest ring rocket rusqlite rustix rustls
semver serde serde_derive serde_json serde_yaml sha2 sled smallvec socket2 sqlx structopt syn tempfile
thiserror time tokio tokio-stream tokio-util toml tonic tower tower-http tracing tracing-subscriber
unicode-width url uuid walkdir warp winapi windows-sys zeroize
"""
_GEMS = """
actionmailer actionpack activejob activemodel activerecord activesupport addressable aws-sdk-core
aws-sdk-s3 bcrypt bootsnap bundler byebug capistrano capybara carrierwave coffee-rails concurrent-ruby
devise diff-lcs dotenv factory_bot faker faraday ffi gitlab grape graphql haml hashie httparty i18n
jbuilder jekyll json jwt kaminari listen loofah mail mime-types minitest mongoid multi_json mysql2
net-ssh nokogiri oauth2 omniauth paperclip pg pry puma pundit rack rack-cors rack-test rails railties
rake rb-fsevent redis rest-client rouge rspec rspec-core rspec-rails rubocop sass sassc
selenium-webdriver sentry-ruby sequel sidekiq simplecov sinatra slim spring sprockets sqlite3 stripe thor
tilt turbolinks tzinfo uglifier unicorn vcr webmock webpacker will_paginate zeitwerk
"""
_MAVEN = """
ch.qos.logback:logback-classic com.fasterxml.jackson.core:jackson-annotations
com.fasterxml.jackson.core:jackson-core com.fasterxml.jackson.core:jackson-databind
com.google.code.gson:gson com.google.guava:guava com.google.inject:guice
com.google.protobuf:protobuf-java com.h2database:h2 com.squareup.okhttp3:okhttp
com.squareup.retrofit2:retrofit com.zaxxer:hikaricp commons-codec:commons-codec commons-io:commons-io
commons-lang:commons-lang io.micrometer:micrometer-core io.netty:netty-all
javax.servlet:javax.servlet-api joda-time:joda-time junit:junit log4j:log4j mysql:mysql-connector-java
org.apache.commons:commons-lang3 org.apache.httpcomponents:httpclient org.apache.kafka:kafka-clients
org.apache.logging.log4j:log4j-api org.apache.logging.log4j:log4j-core org.assertj:assertj-core
org.hibernate:hibernate-core org.jetbrains.kotlin:kotlin-stdlib
org.jetbrains.kotlinx:kotlinx-coroutines-core org.junit.jupiter:junit-jupiter
org.junit.jupiter:junit-jupiter-api org.junit.jupiter:junit-jupiter-engine org.mockito:mockito-core
org.postgresql:postgresql org.projectlombok:lombok org.slf4j:slf4j-api org.slf4j:slf4j-simple
org.springframework.boot:spring-boot-starter org.springframework.boot:spring-boot-starter-test
org.springframework.boot:spring-boot-starter-web org.springframework:spring-context
org.springframework:spring-core org.springframework:spring-web org.testng:testng org.yaml:snakeyaml
redis.clients:jedis
"""
_NUGET = """
autofac automapper awssdk.core azure.identity azure.storage.blobs benchmarkdotnet bogus castle.core
coverlet.collector csvhelper dapper entityframework fluentassertions fluentvalidation google.protobuf
grpc.net.client hangfire humanizer log4net mediatr messagepack microsoft.aspnetcore.mvc
microsoft.data.sqlclient microsoft.entityframeworkcore microsoft.extensions.dependencyinjection
microsoft.extensions.logging microsoft.net.test.sdk mongodb.driver moq mysql.data newtonsoft.json nlog
npgsql nsubstitute nunit nunit3testadapter polly quartz rabbitmq.client refit restsharp serilog
serilog.sinks.console serilog.sinks.file stackexchange.redis swashbuckle.aspnetcore system.text.json
xunit xunit.runner.visualstudio
"""
_PACKAGIST = """
aws/aws-sdk-php barryvdh/laravel-debugbar composer/composer doctrine/dbal doctrine/orm fakerphp/faker
firebase/php-jwt friendsofphp/php-cs-fixer fzaninotto/faker guzzlehttp/guzzle guzzlehttp/promises
guzzlehttp/psr7 intervention/image laravel/framework laravel/sanctum laravel/tinker league/flysystem
mockery/mockery monolog/monolog nesbot/carbon nikic/php-parser phpmailer/phpmailer
phpoffice/phpspreadsheet phpstan/phpstan phpunit/phpunit predis/predis psr/container psr/http-message
psr/log ramsey/uuid rector/rector slim/slim spatie/laravel-permission squizlabs/php_codesniffer
stripe/stripe-php symfony/console symfony/finder symfony/http-foundation symfony/process symfony/symfony
symfony/yaml twig/twig vimeo/psalm vlucas/phpdotenv
"""
_HEX = """
absinthe bamboo bandit bcrypt_elixir broadway cowboy credo decimal dialyxir ecto ecto_sql ex_doc
ex_machina excoveralls faker finch floki gettext guardian hackney httpoison jason mint mox myxql
nimble_options oban phoenix phoenix_html phoenix_live_view phoenix_pubsub plug plug_cowboy poison
postgrex quantum redix req sobelow stream_data swoosh telemetry tesla timex ueberauth
"""
POPULAR: Mapping[str, frozenset[str]] = {
    registry: frozenset(names.split())
    for registry, names in (
        ("PyPI", _PYPI),
        ("npm", _NPM),
        ("Go", _GO),
        ("crates.io", _CRATES),
        ("RubyGems", _GEMS),
        ("Maven", _MAVEN),
        ("NuGet", _NUGET),
        ("Packagist", _PACKAGIST),
        ("Hex", _HEX),
    )
}
"""Folded to lower case, PyPI's as that compares names."""
