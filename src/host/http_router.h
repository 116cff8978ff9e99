#pragma once
// Which route answers which request: method and path against a table.
//
// Errors: those that HTTP knows: 404, 405 (saying what is allowed).

#include <functional>
#include <string>
#include <vector>

#include "host/http.h"

namespace meshchain::host {

struct HttpRoute {
    /// Answers: once, on the server's thread, within the handler's call or later.
    using Respond = std::function<void(HttpResponse)>;
    using Handler = std::function<void(const HttpRequest&, Respond)>;

    enum class Access : bool { open, token };

    std::string method;
    std::string pattern;  ///< as in matches()
    Handler handler;
    Access access = Access::token;
    std::size_t body_bytes_max = 0;  ///< 0: takes no body
};

class HttpRouter {
public:
    struct Match {
        const HttpRoute* route;
        std::vector<std::string> parameters;
    };

    /// One route for each method and pattern; of two patterns that fit a path the first counts.
    void add(HttpRoute route) { routes_.push_back(std::move(route)); }
    void clear() { routes_.clear(); }
    const std::vector<HttpRoute>& routes() const { return routes_; }

    /// `path` is decoded. Errors: the response to what no route answers.
    std::expected<Match, HttpResponse> find(std::string_view method, std::string_view path) const;

private:
    std::vector<HttpRoute> routes_;
};

}  // namespace meshchain::host
