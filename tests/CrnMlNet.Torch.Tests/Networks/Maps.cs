namespace CrnMlNet.Torch.Tests.Networks;

/// <summary>
/// Feature maps [C, H, W] in double precision with the paper's operations as plain loops: what the network on libtorch is
/// compared with. Written from the authors' code and the definitions, not from the network's.
/// </summary>
internal sealed class Maps(int channels, int rows, int columns)
{
    private readonly double[] _values = new double[channels * rows * columns];

    public int Channels => channels;

    public int Rows => rows;

    public int Columns => columns;

    public double this[int c, int y, int x]
    {
        get => _values[(c * rows + y) * columns + x];
        set => _values[(c * rows + y) * columns + x] = value;
    }

    public static Maps Of(int channels, int rows, int columns, Func<int, int, int, double> value)
    {
        var maps = new Maps(channels, rows, columns);
        for (int c = 0; c < channels; c++)
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < columns; x++)
                    maps[c, y, x] = value(c, y, x);
        return maps;
    }

    public double[] Values => _values;

    /// <summary>A convolution [O, C, size, size] of odd size, the outside taken as zero.</summary>
    public Maps Convolve(double[] weight, double[]? bias, int outputs, int size) => Of(outputs, rows, columns, (o, y, x) =>
    {
        double sum = bias?[o] ?? 0;
        for (int c = 0; c < channels; c++)
            for (int v = 0; v < size; v++)
                for (int u = 0; u < size; u++)
                {
                    int fromY = y + v - size / 2, fromX = x + u - size / 2;
                    if (fromY >= 0 && fromY < rows && fromX >= 0 && fromX < columns)
                        sum += weight[((o * channels + c) * size + v) * size + u] * this[c, fromY, fromX];
                }
        return sum;
    });

    /// <summary>A convolution [O, C, size, size] that takes each stride-th place and looks at each dilation-th pixel, the outside taken as zero.</summary>
    public Maps Convolve(double[] weight, double[]? bias, int outputs, int size, int stride, int padding, int dilation)
    {
        int Extent(int length) => (length + 2 * padding - dilation * (size - 1) - 1) / stride + 1;
        return Of(outputs, Extent(rows), Extent(columns), (o, y, x) =>
        {
            double sum = bias?[o] ?? 0;
            for (int c = 0; c < channels; c++)
                for (int v = 0; v < size; v++)
                    for (int u = 0; u < size; u++)
                    {
                        int fromY = y * stride + v * dilation - padding, fromX = x * stride + u * dilation - padding;
                        if (fromY >= 0 && fromY < rows && fromX >= 0 && fromX < columns)
                            sum += weight[((o * channels + c) * size + v) * size + u] * this[c, fromY, fromX];
                    }
            return sum;
        });
    }

    /// <summary>The transposed of a convolution, with weights [C, O, size, size]: each value is painted with its kernel, and paintings add up.</summary>
    public Maps ConvolveTransposed(double[] weight, double[]? bias, int outputs, int size, int stride, int padding)
    {
        var painted = Of(outputs, (rows - 1) * stride + size - 2 * padding, (columns - 1) * stride + size - 2 * padding, (o, _, _) => bias?[o] ?? 0);
        for (int c = 0; c < channels; c++)
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < columns; x++)
                    for (int o = 0; o < outputs; o++)
                        for (int v = 0; v < size; v++)
                            for (int u = 0; u < size; u++)
                            {
                                int toY = y * stride + v - padding, toX = x * stride + u - padding;
                                if (toY >= 0 && toY < painted.Rows && toX >= 0 && toX < painted.Columns)
                                    painted[o, toY, toX] += weight[((c * outputs + o) * size + v) * size + u] * this[c, y, x];
                            }
        return painted;
    }

    /// <summary>The maximum over each 2x2 pixels.</summary>
    public Maps Maximum() => Of(channels, rows / 2, columns / 2, (c, y, x) =>
        Math.Max(Math.Max(this[c, 2 * y, 2 * x], this[c, 2 * y, 2 * x + 1]), Math.Max(this[c, 2 * y + 1, 2 * x], this[c, 2 * y + 1, 2 * x + 1])));

    /// <summary>One mean and one variance for each channel.</summary>
    public Maps InstanceNorm(double[] gamma, double[] beta, double epsilon)
    {
        int pixels = rows * columns;
        double[] mean = [.. Enumerable.Range(0, channels).Select(c => _values.Skip(c * pixels).Take(pixels).Average())];
        double[] variance = [.. Enumerable.Range(0, channels).Select(c => _values.Skip(c * pixels).Take(pixels).Average(value => (value - mean[c]) * (value - mean[c])))];
        return Of(channels, rows, columns, (c, y, x) => gamma[c] * (this[c, y, x] - mean[c]) / Math.Sqrt(variance[c] + epsilon) + beta[c]);
    }

    /// <summary>A function of each value.</summary>
    public Maps Each(Func<double, double> function) => Of(channels, rows, columns, (c, y, x) => function(this[c, y, x]));

    /// <summary>One mean and one variance over H x W x C, then a scale and a shift for each channel.</summary>
    public Maps LayerNorm(double[] gamma, double[] beta)
    {
        double mean = _values.Average();
        double variance = _values.Average(value => (value - mean) * (value - mean));
        return Of(channels, rows, columns, (c, y, x) => gamma[c] * (this[c, y, x] - mean) / Math.Sqrt(variance + 1e-12) + beta[c]);
    }

    public Maps LeakyRelu() => Of(channels, rows, columns, (c, y, x) => Math.Max(0.2 * this[c, y, x], this[c, y, x]));

    /// <summary>tf.image.resize_area by a whole factor.</summary>
    public Maps AreaAverage(int factor) => Of(channels, rows / factor, columns / factor, (c, y, x) =>
    {
        double sum = 0;
        for (int v = 0; v < factor; v++)
            for (int u = 0; u < factor; u++)
                sum += this[c, y * factor + v, x * factor + u];
        return sum / (factor * factor);
    });

    /// <summary>tf.image.resize_bilinear with align_corners=True.</summary>
    public Maps ResizeBilinear(int height, int width) => Of(channels, height, width, (c, y, x) =>
    {
        double fromY = y * (rows - 1.0) / (height - 1), fromX = x * (columns - 1.0) / (width - 1);
        int top = Math.Min((int)fromY, rows - 2), left = Math.Min((int)fromX, columns - 2);
        double v = fromY - top, u = fromX - left;
        return (1 - v) * ((1 - u) * this[c, top, left] + u * this[c, top, left + 1])
            + v * ((1 - u) * this[c, top + 1, left] + u * this[c, top + 1, left + 1]);
    });

    public Maps Before(Maps others) => Of(channels + others.Channels, rows, columns,
        (c, y, x) => c < channels ? this[c, y, x] : others[c - channels, y, x]);

    /// <summary>The maps at another place: row y of the result is row y + top of these, the border repeated outside.</summary>
    public Maps Window(int top, int left, int height, int width) => Of(channels, height, width,
        (c, y, x) => this[c, Math.Clamp(y + top, 0, rows - 1), Math.Clamp(x + left, 0, columns - 1)]);

    /// <summary>A refinement module (paper, section 3).</summary>
    public static Maps Refine(Maps? features, Maps labels, Func<string, double[]> parameter, int outputs)
    {
        var x = features is null ? labels : features.ResizeBilinear(labels.Rows, labels.Columns).Before(labels);
        foreach (int layer in new[] { 1, 2 })
        {
            x = x.Convolve(parameter($"conv{layer}.weight"), null, outputs, 3)
                .LayerNorm(parameter($"norm{layer}.weight"), parameter($"norm{layer}.bias"))
                .LeakyRelu();
        }
        return x;
    }
}
