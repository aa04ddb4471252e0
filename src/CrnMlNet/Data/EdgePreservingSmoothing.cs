namespace CrnMlNet.Data;

/// <summary>
/// Smooths a plane but for its edges, by weighted least squares: of all planes <c>u</c> the one with the least
/// <c>sum (u - g)^2 + lambda * sum a_x (du/dx)^2 + a_y (du/dy)^2</c>, where <c>g</c> is the plane given and the affinities
/// <c>a</c> are small across its edges (Farbman, Fattal, Lischinski, Szeliski, "Edge-Preserving Decompositions for
/// Multi-Scale Tone and Detail Manipulation", SIGGRAPH 2008, Eq. 2 to 5).
/// </summary>
/// <remarks>
/// That plane solves <c>A u = g</c>, <c>A = I + lambda L</c>, where <c>L</c> is the affinities' five-point Laplacian. It is solved by
/// conjugate gradients with a modified incomplete Cholesky factorisation before them (Gustafsson 1978), which keeps the number of
/// rounds at some tens where it would be hundreds. Nothing but the affinities is stored of the matrix. Every row of <c>A</c> adds
/// up to 1 and none of its inverse's entries is negative, so no value of <c>u</c> is farther off than the largest residual, which
/// is what the tolerance bounds.
/// </remarks>
internal sealed unsafe class EdgePreservingSmoothing
{
    /// <summary>What the authors of the filter add to a gradient's power, lest flat areas divide by zero (wlsFilter.m).</summary>
    private const double SmallNumber = 0.0001;

    // Far more than any picture needs: rounding can hold the residual above a tolerance that is too small.
    private const int MostRounds = 1000;

    // All planes have a row's length of zeros before and behind them, so that every pixel has four neighbours.
    private readonly int _margin;
    private readonly int _count;
    private readonly double[] _toRight;
    private readonly double[] _toBelow;

    /// <summary>Finds the edges of a plane.</summary>
    /// <param name="guide">The plane whose edges are kept, row by row; for photos the logarithm of the lightness.</param>
    /// <param name="height">Its height in pixels.</param>
    /// <param name="width">Its width in pixels.</param>
    /// <param name="alpha">The power of the gradients, 1.2 to 2: larger ones keep sharper edges.</param>
    public EdgePreservingSmoothing(ReadOnlySpan<double> guide, int height, int width, double alpha)
    {
        if (guide.Length != (long)height * width)
            throw new ArgumentException($"{guide.Length} values do not make {height} x {width}.", nameof(guide));
        (_margin, _count) = (width, guide.Length);
        _toRight = Plane();
        _toBelow = Plane();
        for (var i = 0; i < _count; i++)
        {
            if ((i + 1) % width != 0)
                _toRight[_margin + i] = Affinity(guide[i], guide[i + 1], alpha);
            if (i + width < _count)
                _toBelow[_margin + i] = Affinity(guide[i], guide[i + width], alpha);
        }
    }

    /// <summary>Smooths a plane. Several may be smoothed at once.</summary>
    /// <param name="plane">The plane, row by row.</param>
    /// <param name="lambda">How strongly, above 0.</param>
    /// <param name="tolerance">The farthest that a value may be from the exact solution, in the plane's unit.</param>
    public double[] Smooth(ReadOnlySpan<double> plane, double lambda, double tolerance)
    {
        if (plane.Length != _count)
            throw new ArgumentException($"{plane.Length} values were given; the edges are of {_count}.", nameof(plane));
        double[] solution = Plane(), direction = Plane(), residual = Plane(), image = Plane(), preconditioned = Plane();
        var inversePivots = InversePivots(lambda);

        plane.CopyTo(Inner(solution));
        Multiply(solution, lambda, image);
        var largest = Subtract(plane, image, residual);
        var product = Precondition(residual, inversePivots, lambda, preconditioned);
        Inner(preconditioned).CopyTo(Inner(direction));
        for (var round = 0; largest > tolerance && round < MostRounds; round++)
        {
            var step = product / Multiply(direction, lambda, image);
            largest = Step(step, direction, image, solution, residual);
            var before = product;
            product = Precondition(residual, inversePivots, lambda, preconditioned);
            Turn(direction, preconditioned, product / before);
        }

        return Inner(solution).ToArray();
    }

    private static double Affinity(double a, double b, double alpha) => 1 / (Math.Pow(Math.Abs(a - b), alpha) + SmallNumber);

    private double[] Plane() => new double[_count + 2 * _margin];

    private Span<double> Inner(double[] plane) => plane.AsSpan(_margin, _count);

    /// <summary><paramref name="image"/> = A <paramref name="u"/>.</summary>
    /// <returns>The scalar product of the two.</returns>
    private double Multiply(double[] u, double lambda, double[] image)
    {
        var product = 0.0;
        fixed (double* from = u, to = image, right = _toRight, below = _toBelow)
        {
            for (var i = _margin; i < _margin + _count; i++)
            {
                var value = from[i];
                var flow = right[i] * (value - from[i + 1]) + right[i - 1] * (value - from[i - 1])
                    + below[i] * (value - from[i + _margin]) + below[i - _margin] * (value - from[i - _margin]);
                to[i] = value + lambda * flow;
                product += value * to[i];
            }
        }

        return product;
    }

    /// <returns>The largest residual.</returns>
    private double Subtract(ReadOnlySpan<double> plane, double[] image, double[] residual)
    {
        var largest = 0.0;
        for (var i = 0; i < plane.Length; i++)
        {
            residual[_margin + i] = plane[i] - image[_margin + i];
            largest = Math.Max(largest, Math.Abs(residual[_margin + i]));
        }

        return largest;
    }

    /// <returns>The largest residual.</returns>
    private double Step(double step, double[] direction, double[] image, double[] solution, double[] residual)
    {
        var largest = 0.0;
        fixed (double* along = direction, moved = image, to = solution, left = residual)
        {
            for (var i = _margin; i < _margin + _count; i++)
            {
                to[i] += step * along[i];
                left[i] -= step * moved[i];
                if (Math.Abs(left[i]) > largest)
                    largest = Math.Abs(left[i]);
            }
        }

        return largest;
    }

    private void Turn(double[] direction, double[] preconditioned, double factor)
    {
        for (var i = _margin; i < _margin + _count; i++)
            direction[i] = preconditioned[i] + factor * direction[i];
    }

    /// <summary>
    /// The pivots of an incomplete factorisation that has A's own places only: what would fall elsewhere is taken off the pivot, so
    /// that its rows, too, add up to 1.
    /// </summary>
    private double[] InversePivots(double lambda)
    {
        var inverse = Plane();
        for (var i = _margin; i < _margin + _count; i++)
        {
            double left = lambda * _toRight[i - 1], above = lambda * _toBelow[i - _margin];
            double leftBelow = lambda * _toBelow[i - 1], aboveRight = lambda * _toRight[i - _margin];
            var diagonal = 1 + lambda * (_toRight[i] + _toBelow[i]) + left + above;
            inverse[i] = 1 / (diagonal - left * inverse[i - 1] * (left + leftBelow) - above * inverse[i - _margin] * (above + aboveRight));
        }

        return inverse;
    }

    /// <summary>Solves the incomplete factorisation's system for the residual.</summary>
    /// <returns>The scalar product of solution and residual.</returns>
    private double Precondition(double[] residual, double[] inversePivots, double lambda, double[] solution)
    {
        var product = 0.0;
        fixed (double* from = residual, to = solution, inverse = inversePivots, right = _toRight, below = _toBelow)
        {
            for (var i = _margin; i < _margin + _count; i++)
                to[i] = (from[i] + lambda * (right[i - 1] * to[i - 1] + below[i - _margin] * to[i - _margin])) * inverse[i];
            for (var i = _margin + _count - 1; i >= _margin; i--)
            {
                to[i] += lambda * inverse[i] * (right[i] * to[i + 1] + below[i] * to[i + _margin]);
                product += to[i] * from[i];
            }
        }

        return product;
    }
}
