using System.Numerics;

namespace QuickStart;

/// <summary>Where a ray meets a shape, in the shape's own frame (metres; x right, y up, z along the street).</summary>
internal readonly record struct Touch(Vector3 At, Vector3 Normal, float Depth);

/// <summary>The share of light that a surface gives back, as linear red, green and blue.</summary>
internal delegate Vector3 Surface(in Touch touch);

/// <summary>
/// Something that stands in the street. <paramref name="slope"/> is how far it turns right for each metre ahead,
/// <paramref name="reach"/> the radius of a ball around <see cref="Middle"/> that holds all of it.
/// </summary>
internal abstract class Shape(StreetClass label, Vector3 origin, float slope, float middle, float reach, Surface surface)
{
    private readonly float _cos = 1 / MathF.Sqrt(1 + slope * slope);
    private readonly float _sin = slope / MathF.Sqrt(1 + slope * slope);

    public StreetClass Label => label;
    public Vector3 Origin => origin;
    public Vector3 Middle { get; } = origin + new Vector3(0, middle, 0);
    public float Reach => reach;
    public Surface Surface => surface;

    /// <summary>Where a ray first meets this shape; the depth counts lengths of <paramref name="along"/>.</summary>
    public bool Meets(Vector3 from, Vector3 along, out Touch touch)
    {
        touch = default;
        return PassesNear(from, along) && MeetsHere(Turn(from - origin), Turn(along), out touch);
    }

    /// <summary>Whether this shape stands between a place and the sun.</summary>
    public bool Shades(Vector3 place, Vector3 sun) => PassesNear(place, sun) && ShadesHere(place, sun);

    /// <summary>A direction in this shape's frame, as one in the world's.</summary>
    public Vector3 ToWorld(Vector3 v) => new(v.X * _cos + v.Z * _sin, v.Y, v.Z * _cos - v.X * _sin);

    protected abstract bool MeetsHere(Vector3 from, Vector3 along, out Touch touch);

    protected virtual bool ShadesHere(Vector3 place, Vector3 sun) =>
        MeetsHere(Turn(place - origin), Turn(sun), out _);

    private bool PassesNear(Vector3 from, Vector3 along)
    {
        Vector3 towards = Middle - from;
        float far = towards.LengthSquared(), ahead = Vector3.Dot(towards, along), near = reach * reach;
        return far < near || (ahead > 0 && far - ahead * ahead / along.LengthSquared() < near);
    }

    private Vector3 Turn(Vector3 v) => new(v.X * _cos - v.Z * _sin, v.Y, v.X * _sin + v.Z * _cos);
}

/// <summary>A solid bounded by planes: what lies behind all of them.</summary>
internal sealed class Solid(
    StreetClass label, Vector3 origin, float slope, float middle, float reach, Surface surface, Plane[] planes)
    : Shape(label, origin, slope, middle, reach, surface)
{
    /// <summary>The planes of a box that stands on the ground plane of its frame.</summary>
    public static Plane[] Box(float halfWidth, float bottom, float top, float halfLength) =>
    [
        new(1, 0, 0, halfWidth), new(-1, 0, 0, halfWidth), new(0, 1, 0, top),
        new(0, -1, 0, -bottom), new(0, 0, 1, halfLength), new(0, 0, -1, halfLength),
    ];

    /// <summary>The plane through a point with the given outward direction.</summary>
    public static Plane Facing(Vector3 outward, Vector3 through)
    {
        Vector3 normal = Vector3.Normalize(outward);
        return new Plane(normal, Vector3.Dot(normal, through));
    }

    protected override bool MeetsHere(Vector3 from, Vector3 along, out Touch touch)
    {
        touch = default;
        float enter = 1e-3f, leave = float.MaxValue;
        Vector3 normal = default;
        foreach (Plane plane in planes)
        {
            float inside = plane.D - Vector3.Dot(plane.Normal, from);
            float outward = Vector3.Dot(plane.Normal, along);
            float depth = inside / outward;
            if (outward < 0 && depth > enter)
                (enter, normal) = (depth, plane.Normal);
            else if (outward > 0)
                leave = MathF.Min(leave, depth);
            else if (outward == 0 && inside < 0)
                return false;
            if (enter > leave)
                return false;
        }
        touch = new Touch(from + along * enter, normal, enter);
        return normal != default;
    }
}

/// <summary>A flat shape that faces the camera, cut out along an outline, and lit as if it were round.</summary>
internal sealed class Cutout(
    StreetClass label, Vector3 origin, float middle, float reach, Surface surface, Func<Vector2, Vector3?> outline)
    : Shape(label, origin, 0, middle, reach, surface)
{
    protected override bool MeetsHere(Vector3 from, Vector3 along, out Touch touch)
    {
        touch = default;
        float depth = -from.Z / along.Z;
        if (!(depth > 0))
            return false;
        Vector3 at = from + along * depth;
        if (at.Y < 0 || outline(new Vector2(at.X, at.Y)) is not { } normal)
            return false;
        touch = new Touch(at, normal, depth);
        return true;
    }

    /// <summary>Seen from the sun, a cutout is as wide as from the camera.</summary>
    protected override bool ShadesHere(Vector3 place, Vector3 sun)
    {
        Vector3 from = place - Origin;
        float ahead = -(from.X * sun.X + from.Z * sun.Z) / (sun.X * sun.X + sun.Z * sun.Z);
        float aside = (from.X * sun.Z - from.Z * sun.X) / MathF.Sqrt(sun.X * sun.X + sun.Z * sun.Z);
        return outline(new Vector2(aside, from.Y + ahead * sun.Y)) is not null;
    }
}
