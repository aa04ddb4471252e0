namespace CrnMlNet.Data;

/// <summary>
/// CIE L*a*b* of sRGB colours, against the white D50 as ICC profiles have it (and MATLAB's <c>srgb2lab</c>): L from 0 to 100.
/// </summary>
internal static class CieLab
{
    // The CIE's constants: 216/24389 and 24389/27 (CIE 15:2004).
    private const double Epsilon = 216.0 / 24389, Kappa = 24389.0 / 27;

    // sRGB's primaries adapted to D50 by Bradford's method, as in the profile sRGB IEC61966-2.1; the rows' sums are the white.
    private const double Xr = 0.4360747, Xg = 0.3850649, Xb = 0.1430804;
    private const double Yr = 0.2225045, Yg = 0.7168786, Yb = 0.0606169;
    private const double Zr = 0.0139322, Zg = 0.0971045, Zb = 0.7141733;
    private const double WhiteX = Xr + Xg + Xb, WhiteZ = Zr + Zg + Zb;

    /// <summary>The linear intensity of an sRGB component, both 0 to 1 (IEC 61966-2-1).</summary>
    public static double ToLinear(double component) => component <= 0.04045 ? component / 12.92 : Math.Pow((component + 0.055) / 1.055, 2.4);

    /// <summary>The sRGB component of a linear intensity; outside 0 to 1 the nearer of the two.</summary>
    public static double FromLinear(double intensity) => intensity switch
    {
        >= 1 => 1,
        <= 0 => 0,
        <= 0.0031308 => 12.92 * intensity,
        _ => 1.055 * Math.Pow(intensity, 1 / 2.4) - 0.055,
    };

    /// <summary>L, a and b of linear intensities.</summary>
    public static (double L, double A, double B) FromLinearRgb(double r, double g, double b)
    {
        double x = Compress((Xr * r + Xg * g + Xb * b) / WhiteX), y = Compress(Yr * r + Yg * g + Yb * b), z = Compress((Zr * r + Zg * g + Zb * b) / WhiteZ);
        return (116 * y - 16, 500 * (x - y), 200 * (y - z));
    }

    /// <summary>The linear intensities of a colour; those that sRGB lacks are outside 0 to 1.</summary>
    public static (double R, double G, double B) ToLinearRgb(double l, double a, double b)
    {
        var fy = (l + 16) / 116;
        double x = WhiteX * Expand(fy + a / 500), y = Expand(fy), z = WhiteZ * Expand(fy - b / 200);
        return (
            3.1338561 * x - 1.6168667 * y - 0.4906146 * z,
            -0.9787684 * x + 1.9161415 * y + 0.0334540 * z,
            0.0719453 * x - 0.2289914 * y + 1.4052427 * z);
    }

    private static double Compress(double t) => t > Epsilon ? Math.Cbrt(t) : (Kappa * t + 16) / 116;

    private static double Expand(double f) => f * f * f > Epsilon ? f * f * f : (116 * f - 16) / Kappa;
}
